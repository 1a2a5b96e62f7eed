"""Single cells in the browser: the map on a canvas, crops under the pointer, a lasso, crops by state and dose."""

# ruff: noqa: E501
from __future__ import annotations

CELLS = r"""
const map = { more: [], off: new Set(), chosen: new Set(), near: 1, x: 0, y: 0, at: null };
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
// some compounds on the grey of all others: as many as have a colour (Okabe and Ito) and a mark of their own
const CHOSEN = "chosen compounds", LOOKS = ["#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"];
const chosenOnes = () => [md.compound, ...map.more.filter(each => each !== md.compound)].slice(0, LOOKS.length);
const colourings = cells => {
  if (md.names.length < 2) return cells.by;
  const ones = chosenOnes(), count = ones.length;
  return [...cells.by, {
    name: CHOSEN,
    classes: [
      ...ones.map((each, i) => ({ name: md.names[each], colour: LOOKS[i], mark: i, compound: each })),
      { name: "vehicle", colour: "#0072B2" }, { name: "other compounds", colour: "#C9C9C9" },
    ],
    values: cells.compound.map((each, place) => cells.vehicle[place] ? count : ones.includes(each) ? ones.indexOf(each) : count + 1),
  }];
};
// a disc, square, triangle, diamond, triangle on its point, cross: told apart without colours, too
const outline = (x, y, r, mark) => {
  const s = r * 0.9, t = r * 1.2;
  return [
    `M${x - r} ${y}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0Z`,
    `M${x - s} ${y - s}h${2 * s}v${2 * s}h${-2 * s}Z`,
    `M${x} ${y - t}l${t} ${2 * s}h${-2 * t}Z`,
    `M${x} ${y - t}l${t} ${t}l${-t} ${t}l${-t} ${-t}Z`,
    `M${x} ${y + t}l${t} ${-2 * s}h${-2 * t}Z`,
    `M${x - t} ${y - s / 2}h${t - s / 2}v${-t + s / 2}h${s}v${t - s / 2}h${t - s / 2}v${s}h${-t + s / 2}v${t - s / 2}h${-s}v${-t + s / 2}h${-t + s / 2}Z`,
  ][mark];
};
const compoundOf = (cells, place) => (cells.vehicle[place] ? "vehicle" : md.names[cells.compound[place]] ?? "");
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
  // what has no class lies below, and what is chosen lies on what is not
  const order = by.classes.map((_, i) => i).sort((a, b) => (by.classes[b].below || 0) - (by.classes[a].below || 0));
  for (const i of by.name === CHOSEN ? order.reverse() : order) {
    pen.fillStyle = by.classes[i].colour;
    if (by.classes[i].mark !== undefined) {
      pen.globalAlpha = 0.9;
      pen.fill(new Path2D(groups[i].map(([x, y]) => outline(x, y, 1.6 * size, by.classes[i].mark)).join("")));
      continue;
    }
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
    const line = md.make("li"), button = md.make("button");
    let mark = md.make("span", undefined, "md-swatch");
    mark.style.background = each.colour;
    if (each.mark !== undefined) {
      mark = md.shape("svg", { viewBox: "0 0 14 14", width: 14, height: 14, "aria-hidden": "true" });
      mark.append(md.shape("path", { d: outline(7, 7, 4.6, each.mark), fill: each.colour }));
    }
    button.type = "button";
    button.setAttribute("aria-pressed", !map.off.has(i));
    button.append(mark, `${each.name} (${counts[i]})`);
    button.addEventListener("click", () => {
      map.off.has(i) ? map.off.delete(i) : map.off.add(i);
      button.setAttribute("aria-pressed", !map.off.has(i));
      draw();
    });
    line.append(button);
    if (each.mark !== undefined && each.compound !== md.compound) {
      const out = md.make("button", "remove", "md-remove");
      out.type = "button";
      out.setAttribute("aria-label", `No longer highlight ${each.name}`);
      out.addEventListener("click", () => highlight(map.more.filter(other => other !== each.compound)));
      line.append(out);
    }
    return line;
  }));
  md.id("md-cells-pick").closest("label").hidden = by.name !== CHOSEN;
};
// other compounds to be highlighted; the address keeps them
const highlight = numbers => {
  map.more = [...new Set(numbers)];
  map.off.clear();
  const cells = md.data("cells"), list = md.id("md-cells-by");
  map.by = colourings(cells).find(by => by.name === list.value);
  md.remember({ highlight: map.more.length ? JSON.stringify(map.more.map(each => md.names[each])) : null });
  legendOf();
  draw();
};
const askedMore = () => {
  try { return JSON.parse(md.asked("highlight") || "[]").map(name => md.names.indexOf(name)).filter(each => each >= 0); } catch (broken) { return []; }
};
const pick = box => {
  const number = md.names.findIndex(name => name.toLowerCase() === box.value.trim().toLowerCase());
  if (number < 0) return;
  box.value = "";
  const more = [...map.more.filter(each => each !== number && each !== md.compound), number];
  highlight(more.slice(1 - LOOKS.length)); // the oldest gives way
};
const tellCell = place => {
  const cells = md.data("cells");
  if (place === map.at) return;
  map.at = place;
  draw();
  if (place === null) return;
  const facts = colourings(cells).filter(by => by.values[place] >= 0 && by.name !== CHOSEN && by.name !== "compound").map(by => `${by.name} ${by.classes[by.values[place]].name}`);
  if (md.names.length > 1) facts.unshift(compoundOf(cells, place));
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
  if (!map.ready) map.more = askedMore();
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
    const maps = md.id("md-cells-map"), named = cells.maps.findIndex(one => one.name === md.asked("map"));
    if (named >= 0) maps.value = named;
    maps.addEventListener("change", () => { map.near = 1; map.x = map.y = 0; draw(); md.remember({ map: map.of.name }); });
    const box = md.id("md-cells-pick");
    md.id("md-cells-names").append(...md.names.map(name => { const option = md.make("option"); option.value = name; return option; }));
    box.addEventListener("input", () => pick(box));
    box.addEventListener("change", () => pick(box));
    md.id("md-cells-reset").addEventListener("click", () => { map.near = 1; map.x = map.y = 0; map.off.clear(); legendOf(); chooseCells([]); });
    md.id("md-cells-csv").addEventListener("click", () => {
      const every = cells.by.filter(by => by.name !== "compound");
      md.csv([["Metadata_CellID", "compound", ...every.map(by => by.name)], ...[...map.chosen].map(place => [ids(cells)(place), compoundOf(cells, place), ...every.map(by => (by.values[place] >= 0 ? by.classes[by.values[place]].name : ""))])], "cells");
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
  const dots = md.shape("g", { "clip-path": "url(#inside)" }), marked = [];
  map.places.forEach((at, place) => {
    const value = map.by.values[place];
    if (at && value >= 0 && !map.off.has(value))
      marked.push([value, md.shape("path", { d: outline(Math.round(at[0] * 10) / 10, Math.round(at[1] * 10) / 10, map.by.classes[value].mark === undefined ? 2.4 : 3.6, map.by.classes[value].mark ?? 0), fill: map.by.classes[value].colour, "fill-opacity": 0.7 })]);
  });
  if (map.by.name === CHOSEN) marked.sort((a, b) => b[0] - a[0]);
  dots.append(...marked.map(each => each[1]));
  parts.push(whole, dots, md.shape("path", { d: `M30 24V${tall - 24}H${wide - 6}`, stroke: "#777", fill: "none" }));
  parts.push(md.shape("text", { x: wide / 2, y: tall - 8, "text-anchor": "middle" }, across));
  parts.push(md.shape("text", { transform: `translate(16 ${tall / 2}) rotate(-90)`, "text-anchor": "middle" }, up));
  let y = 30;
  map.by.classes.forEach((each, i) => {
    if (map.off.has(i)) return;
    parts.push(md.shape("path", { d: outline(wide + 16, y - 4, 5, each.mark ?? 1), fill: each.colour }), md.shape("text", { x: wide + 28, y }, each.name));
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
