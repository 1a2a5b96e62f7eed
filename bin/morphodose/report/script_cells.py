"""Single cells in the browser: the map on a canvas, crops under the pointer, a lasso, crops by state and dose."""

# ruff: noqa: E501
from __future__ import annotations

CELLS = r"""
const map = { off: new Set(), chosen: new Set(), near: 1, x: 0, y: 0, at: null };
const ids = cells => place => cells.ids ? cells.ids[place] : `${cells.images[cells.image[place]]}_obj${cells.label[place]}`;
const crop = (cells, place, times) => {
  const box = md.make("span", undefined, "md-crop"), side = cells.side * times;
  if (!cells.cropped[place]) {
    box.textContent = "no crop";
    return box;
  }
  box.style.width = box.style.height = side + "px";
  box.style.backgroundImage = `url(${cells.sheet})`;
  box.style.backgroundSize = `${cells.across * side}px auto`;
  box.style.backgroundPosition = `-${(place % cells.across) * side}px -${Math.floor(place / cells.across) * side}px`;
  box.setAttribute("role", "img");
  box.setAttribute("aria-label", `Crop of ${ids(cells)(place)}`);
  box.title = ids(cells)(place);
  return box;
};
const colourings = cells => {
  const compound = {
    name: "chosen compound",
    classes: [{ name: md.names[md.compound] || "", colour: "#D55E00" }, { name: "vehicle", colour: "#0072B2" }, { name: "others", colour: "#B5B5B5" }],
    values: cells.compound.map((each, place) => (each === md.compound && !cells.vehicle[place] ? 0 : cells.vehicle[place] ? 1 : 2)),
  };
  return md.names.length > 1 ? [...cells.by, compound] : cells.by;
};
const draw = () => {
  const cells = md.data("cells"), canvas = md.id("md-cells"), pen = canvas.getContext("2d");
  const thick = Math.min(devicePixelRatio || 1, 2), wide = canvas.clientWidth, tall = canvas.clientHeight;
  canvas.width = wide * thick;
  canvas.height = tall * thick;
  pen.setTransform(thick, 0, 0, thick, 0, 0);
  pen.fillStyle = "#FFF";
  pen.fillRect(0, 0, wide, tall);
  const one = cells.maps[Number(md.id("md-cells-map").value)], by = map.by;
  if (map.of !== one) {
    map.of = one;
    const range = values => values.reduce(([low, high], v) => (v === null ? [low, high] : [Math.min(low, v), Math.max(high, v)]), [Infinity, -Infinity]);
    map.span = [range(one.x), range(one.y)];
  }
  const [[left, right], [low, high]] = map.span, edge = 34;
  const scale = [(wide - edge - 12) / (right - left || 1), (tall - edge - 12) / (high - low || 1)];
  map.places = one.x.map((x, place) => x === null || one.y[place] === null ? null : [
    edge + ((x - left) * scale[0]) * map.near + map.x,
    tall - edge - ((one.y[place] - low) * scale[1]) * map.near + map.y,
  ]);
  const size = (cells.label.length > 4000 ? 2 : 2.8) * Math.min(map.near ** 0.4, 2.5);
  pen.globalAlpha = 0.7;
  const groups = by.classes.map(() => []);
  map.places.forEach((at, place) => { if (at && by.values[place] >= 0 && !map.off.has(by.values[place])) groups[by.values[place]].push(at); });
  const order = by.name === "chosen compound" ? [2, 1, 0] : by.classes.map((_, i) => i);
  for (const i of order) {
    pen.fillStyle = by.classes[i].colour;
    pen.beginPath();
    for (const [x, y] of groups[i]) { pen.moveTo(x + size, y); pen.arc(x, y, size, 0, 7); }
    pen.fill();
  }
  pen.globalAlpha = 1;
  pen.strokeStyle = "#000";
  pen.lineWidth = 1;
  pen.beginPath();
  for (const place of map.chosen) {
    const at = map.places[place];
    if (at) { pen.moveTo(at[0] + size + 1, at[1]); pen.arc(at[0], at[1], size + 1, 0, 7); }
  }
  pen.stroke();
  if (map.at !== null && map.places[map.at]) {
    const [x, y] = map.places[map.at];
    pen.lineWidth = 2.4;
    pen.beginPath();
    pen.arc(x, y, size + 4, 0, 7);
    pen.stroke();
  }
  if (map.lasso) {
    pen.lineWidth = 1.4;
    pen.setLineDash([4, 3]);
    pen.beginPath();
    map.lasso.forEach(([x, y], i) => (i ? pen.lineTo(x, y) : pen.moveTo(x, y)));
    pen.stroke();
    pen.setLineDash([]);
  }
  pen.fillStyle = "#444";
  pen.font = "12px sans-serif";
  const [across, up] = axesOf(one);
  pen.fillText(`${across} \u2192`, wide / 2 - 20, tall - 8);
  pen.save();
  pen.translate(14, tall / 2 + 20);
  pen.rotate(-Math.PI / 2);
  pen.fillText(`${up} \u2192`, 0, 0);
  pen.restore();
};
const legendOf = () => {
  const by = map.by, counts = by.classes.map(() => 0);
  by.values.forEach(value => { if (value >= 0) counts[value]++; });
  md.id("md-cells-legend").replaceChildren(...by.classes.map((each, i) => {
    const line = md.make("li"), button = md.make("button"), mark = md.make("span", undefined, "md-swatch");
    mark.style.background = each.colour;
    button.type = "button";
    button.setAttribute("aria-pressed", !map.off.has(i));
    button.append(mark, `${each.name} (${counts[i]})`);
    button.addEventListener("click", () => {
      map.off.has(i) ? map.off.delete(i) : map.off.add(i);
      button.setAttribute("aria-pressed", !map.off.has(i));
      draw();
    });
    line.append(button);
    return line;
  }));
};
const tellCell = place => {
  const cells = md.data("cells");
  if (place === map.at) return;
  map.at = place;
  draw();
  if (place === null) return;
  const facts = colourings(cells).filter(by => by.values[place] >= 0 && by.name !== "chosen compound").map(by => `${by.name} ${by.classes[by.values[place]].name}`);
  md.id("md-cell").replaceChildren(crop(cells, place, 3), md.make("p", ids(cells)(place), "md-id"), md.make("p", facts.join(", ")));
};
const chooseCells = places => {
  map.chosen = new Set(places);
  const count = map.chosen.size;
  md.id("md-cells-csv").disabled = !count;
  md.id("md-cells-chosen").textContent = count ? `${count} ${count === 1 ? "cell is" : "cells are"} chosen.` : "No cell is chosen.";
  draw();
};
const inside = (shape, [x, y]) => {
  let within = false;
  for (let i = 0, j = shape.length - 1; i < shape.length; j = i++) {
    const [ax, ay] = shape[i], [bx, by] = shape[j];
    if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) within = !within;
  }
  return within;
};
const seen = () => map.places.map((at, place) => (at && map.by.values[place] >= 0 && !map.off.has(map.by.values[place]) ? place : -1)).filter(place => place >= 0);
const closest = ([x, y]) => {
  let best = null, least = 15 * 15;
  for (const place of seen()) {
    const [a, b] = map.places[place], far = (a - x) ** 2 + (b - y) ** 2;
    if (far < least) { least = far; best = place; }
  }
  return best;
};
md.on.cells = () => {
  const cells = md.data("cells"), canvas = md.id("md-cells");
  if (!cells || !canvas) return;
  const list = md.id("md-cells-by"), every = colourings(cells);
  const before = list.value;
  list.replaceChildren(...every.map(by => { const option = md.make("option", by.name); option.value = by.name; return option; }));
  list.value = every.some(by => by.name === before) ? before : (every.find(by => by.name === md.asked("colour")) || every[0]).name;
  map.by = every.find(by => by.name === list.value);
  if (!map.ready) {
    map.ready = true;
    const at = event => { const box = canvas.getBoundingClientRect(); return [event.clientX - box.left, event.clientY - box.top]; };
    const fresh = () => { map.off.clear(); map.by = colourings(cells).find(by => by.name === list.value); legendOf(); draw(); };
    list.addEventListener("change", () => { fresh(); md.remember({ colour: list.value }); });
    md.id("md-cells-map").addEventListener("change", () => { map.near = 1; map.x = map.y = 0; draw(); });
    md.id("md-cells-reset").addEventListener("click", () => { map.near = 1; map.x = map.y = 0; map.off.clear(); legendOf(); chooseCells([]); });
    md.id("md-cells-csv").addEventListener("click", () => {
      const every = colourings(cells).filter(by => by.name !== "chosen compound");
      md.csv([["Metadata_CellID", ...every.map(by => by.name)], ...[...map.chosen].map(place => [ids(cells)(place), ...every.map(by => (by.values[place] >= 0 ? by.classes[by.values[place]].name : ""))])], "cells");
    });
    canvas.addEventListener("pointerdown", event => {
      canvas.setPointerCapture(event.pointerId);
      if (event.shiftKey) map.drag = [event.clientX - map.x, event.clientY - map.y];
      else map.lasso = [at(event)];
    });
    canvas.addEventListener("pointermove", event => {
      if (map.drag) { map.x = event.clientX - map.drag[0]; map.y = event.clientY - map.drag[1]; draw(); }
      else if (map.lasso) { map.lasso.push(at(event)); draw(); }
      else tellCell(closest(at(event)) ?? map.at);
    });
    canvas.addEventListener("pointerup", () => {
      const shape = map.lasso;
      map.lasso = map.drag = null;
      if (shape) chooseCells(shape.length > 4 ? seen().filter(place => inside(shape, map.places[place])) : []);
    });
    canvas.addEventListener("wheel", event => {
      event.preventDefault();
      const [x, y] = at(event), tall = canvas.clientHeight, before = map.near;
      map.near = Math.min(Math.max(map.near * Math.exp(-event.deltaY / 400), 1), 40);
      const ratio = map.near / before;
      map.x = x - 34 - (x - 34 - map.x) * ratio;
      map.y = y - (tall - 34) - (y - (tall - 34) - map.y) * ratio;
      if (map.near === 1) map.x = map.y = 0;
      draw();
    }, { passive: false });
    canvas.addEventListener("keydown", event => {
      const step = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowUp: [1, -1], ArrowDown: [1, 1] }[event.key];
      if (!step) return;
      event.preventDefault();
      const order = seen().sort((a, b) => map.places[a][step[0]] - map.places[b][step[0]]);
      const now = order.indexOf(map.at);
      tellCell(order[now < 0 ? 0 : Math.min(Math.max(now + step[1], 0), order.length - 1)] ?? null);
    });
    addEventListener("resize", () => { if (md.view() === "cells") draw(); });
    md.tools(canvas.closest("figure"), md.drawn(cloudDrawing, () => `cells ${map.of.name} by ${map.by.name}`));
  }
  legendOf();
  draw();
};
const axesOf = one => (one.name.split(" ")[0] === "PCA" ? ["PC 1", "PC 2"] : ["UMAP 1", "UMAP 2"]);
const cloudDrawing = () => {
  const canvas = md.id("md-cells"), wide = canvas.clientWidth, tall = canvas.clientHeight, [across, up] = axesOf(map.of);
  const parts = [md.shape("text", { x: 8, y: 16, "font-weight": 600 }, `${map.of.name}, by ${map.by.name}`)];
  const whole = md.shape("clipPath", { id: "inside" });
  whole.append(md.shape("rect", { x: 30, y: 0, width: wide - 30, height: tall - 24 }));
  const dots = md.shape("g", { "clip-path": "url(#inside)" });
  map.places.forEach((at, place) => {
    const value = map.by.values[place];
    if (at && value >= 0 && !map.off.has(value))
      dots.append(md.shape("circle", { cx: at[0].toFixed(1), cy: at[1].toFixed(1), r: 2.4, fill: map.by.classes[value].colour, "fill-opacity": 0.7 }));
  });
  parts.push(whole, dots, md.shape("path", { d: `M30 24V${tall - 24}H${wide - 6}`, stroke: "#777", fill: "none" }));
  parts.push(md.shape("text", { x: wide / 2, y: tall - 8, "text-anchor": "middle" }, across));
  parts.push(md.shape("text", { transform: `translate(16 ${tall / 2}) rotate(-90)`, "text-anchor": "middle" }, up));
  let y = 30;
  map.by.classes.forEach((each, i) => {
    if (map.off.has(i)) return;
    parts.push(md.shape("rect", { x: wide + 10, y: y - 10, width: 12, height: 12, fill: each.colour }), md.shape("text", { x: wide + 28, y }, each.name));
    y += 18;
  });
  return [wide + 220, tall, parts];
};

// crops of the chosen compound, by state and dose
const examples = 3;
md.on.compound = () => {
  const slot = document.querySelector('#md-compound-view [data-slot="crops"]'), cells = md.data("cells");
  if (!slot || slot.firstChild) return;
  const state = cells && cells.by.find(by => by.name === "state"), dose = cells && cells.by.find(by => by.name === "dose");
  const mine = cells ? cells.label.map((_, place) => place).filter(place => cells.cropped[place] && (cells.compound[place] === md.compound || cells.vehicle[place])) : [];
  if (!mine.length || !dose) {
    slot.append(md.make("div", cells ? "Left out: no cell of this compound has a crop on this page." : "Left out: crops need the components of cells (reduce_features).", "md-notice"));
    return;
  }
  const states = state ? state.classes.map(each => each.name) : ["cells"];
  const doses = dose.classes.map((each, i) => i).filter(i => mine.some(place => dose.values[place] === i));
  const table = md.make("table", undefined, "md-crops"), head = table.createTHead().insertRow();
  head.append(md.make("td"));
  for (const i of doses) { const cell = md.make("th", dose.classes[i].name); cell.scope = "col"; head.append(cell); }
  const body = table.createTBody();
  states.forEach((name, i) => {
    const line = body.insertRow(), title = md.make("th", name);
    title.scope = "row";
    line.append(title);
    for (const j of doses) {
      const cell = line.insertCell();
      const found = mine.filter(place => dose.values[place] === j && (!state || state.values[place] === i)).slice(0, examples);
      found.length ? cell.append(...found.map(place => crop(cells, place, 1))) : (cell.textContent = "none");
    }
  });
  const box = md.make("div", undefined, "md-scroll");
  box.append(table);
  slot.append(md.make("p", `Up to ${examples} cells of each state and dose among those of the map of cells; vehicle is that of all compounds.`), box);
};
"""
