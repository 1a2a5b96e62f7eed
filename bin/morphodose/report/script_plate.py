"""The plate in the browser: an endpoint, a time and a replicate by controls; a well with its image and curve."""

# ruff: noqa: E501
from __future__ import annotations

PLATE = r"""
const plate = { row: null };
const chooser = name => md.id("md-plate-" + name);
const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const letters = row => (row >= 26 ? LETTERS[Math.floor(row / 26) - 1] : "") + LETTERS[row % 26];
const place = name => {
  const match = /^([A-Z]+)(\d+)$/.exec(name);
  let row = 0;
  for (const letter of match[1]) row = row * 26 + LETTERS.indexOf(letter) + 1;
  return [row - 1, Number(match[2]) - 1];
};
const shown = () => md.data("wells").endpoints[Number(chooser("endpoint").value)];
const words = (endpoint, value, count) => endpoint.share && value !== null
  ? `${md.digits(100 * value, count)} %` : md.digits(value, count);
const colour = (endpoint, value) => {
  const colours = md.data("wells").colours, [low, high] = span(endpoint);
  if (value === null) return "#F3F3F3";
  const share = high > low ? (value - low) / (high - low) : 0.5;
  return colours[Math.round(Math.min(Math.max(share, 0), 1) * (colours.length - 1))];
};
const spans = {};
const span = endpoint => {
  if (!spans[endpoint.key]) {
    let low = Infinity, high = -Infinity;
    for (const value of endpoint.values) if (value !== null) { low = Math.min(low, value); high = Math.max(high, value); }
    spans[endpoint.key] = [endpoint.share && low >= 0 ? 0 : low, high];
  }
  return spans[endpoint.key];
};
const light = shade => [1, 3, 5].reduce((sum, at, i) => sum + parseInt(shade.slice(at, at + 2), 16) * [0.3, 0.59, 0.11][i], 0) > 140;
// what the controls ask for: the size of the plate, the wells by their place, the words above
const asked = () => {
  const wells = md.data("wells"), endpoint = shown();
  const [which, time, replicate] = ["plate", "time", "replicate"].map(name => Number(chooser(name).value));
  const [rows, columns] = wells.shapes[which];
  const found = new Map();
  wells.well.forEach((name, row) => {
    if (wells.plate[row] === which && wells.time[row] === time && wells.replicate[row] === replicate) found.set(place(name).join(), row);
  });
  const title = `${endpoint.words}, ${wells.times[time]} h, replicate ${wells.replicates[replicate]}${wells.plates[which] ? ", plate " + wells.plates[which] : ""}`;
  return { wells, endpoint, rows, columns, found, title };
};
const marks = { vehicle: "V", positive: "+" };
const plateDrawing = () => {
  const { endpoint, rows, columns, found, title, wells } = asked();
  const [wide, tall] = columns <= 12 ? [62, 32] : [30, 22], left = 26, top = 44, parts = [];
  parts.push(md.shape("text", { x: 4, y: 16, "font-weight": 600 }, title));
  for (let column = 0; column < columns; column++)
    parts.push(md.shape("text", { x: left + (column + 0.5) * wide, y: top - 6, "text-anchor": "middle" }, column + 1));
  for (let row = 0; row < rows; row++) {
    parts.push(md.shape("text", { x: 4, y: top + (row + 0.5) * tall + 4 }, letters(row)));
    for (let column = 0; column < columns; column++) {
      const at = found.get([row, column].join()), x = left + column * wide, y = top + row * tall;
      const value = at === undefined ? null : endpoint.values[at], shade = at === undefined ? "#F4F6F8" : colour(endpoint, value);
      parts.push(md.shape("rect", { x: x + 1, y: y + 1, width: wide - 2, height: tall - 2, fill: shade }));
      if (at === undefined) continue;
      const ink = `fill:${light(shade) ? "#000" : "#FFF"}`, mark = marks[md.well(at).role] || "";
      const text = columns <= 12 ? words(endpoint, value, 2) : mark;
      parts.push(md.shape("text", { x: x + wide / 2, y: y + tall / 2 + 4, "text-anchor": "middle", style: ink }, text));
      if (mark && columns <= 12) parts.push(md.shape("text", { x: x + 3, y: y + 10, style: ink + ";font-size:8px" }, mark));
    }
  }
  const y = top + rows * tall + 12, [low, high] = span(endpoint), step = 200 / wells.colours.length;
  parts.push(md.shape("text", { x: left, y: y + 10 }, words(endpoint, low, 3)));
  wells.colours.forEach((fill, i) => parts.push(md.shape("rect", { x: left + 60 + i * step, y, width: step + 0.5, height: 12, fill })));
  parts.push(md.shape("text", { x: left + 268, y: y + 10 }, `${words(endpoint, high, 3)}   V: vehicle, +: positive control`));
  return [left + columns * wide + 8, y + 22, parts];
};
const paint = () => {
  const { wells, endpoint, rows, columns, found, title } = asked();
  const table = md.make("table", undefined, "md-plate");
  table.style.setProperty("--md-columns", columns);
  const head = table.createTHead().insertRow();
  head.append(md.make("td"));
  for (let column = 0; column < columns; column++) {
    const cell = md.make("th", column + 1);
    cell.scope = "col";
    head.append(cell);
  }
  const body = table.createTBody();
  for (let row = 0; row < rows; row++) {
    const line = body.insertRow(), name = md.make("th", letters(row));
    name.scope = "row";
    line.append(name);
    for (let column = 0; column < columns; column++) {
      const cell = line.insertCell(), at = found.get([row, column].join());
      if (at === undefined) continue;
      const value = endpoint.values[at], well = md.well(at), button = md.make("button");
      const mark = marks[well.role] || "";
      button.type = "button";
      button.className = "md-well";
      button.dataset.row = at;
      button.dataset.mark = mark;
      button.tabIndex = -1;
      button.textContent = columns <= 12 ? words(endpoint, value, 2) : mark;
      const shade = colour(endpoint, value);
      button.style.background = shade;
      button.style.color = light(shade) ? "#000" : "#FFF";
      button.setAttribute("aria-label", `${well.name}, ${well.holds}: ${words(endpoint, value, 3)}`);
      cell.append(button);
    }
  }
  table.createCaption().textContent = title;
  md.id("md-plate").replaceChildren(table);
  const first = table.querySelector(".md-well");
  if (first) first.tabIndex = 0;
  const scale = md.id("md-plate-scale"), [low, high] = span(endpoint);
  const bar = md.make("span", undefined, "md-scale-bar");
  bar.style.background = `linear-gradient(90deg, ${wells.colours.join(",")})`;
  scale.replaceChildren(md.make("span", words(endpoint, low, 3)), bar, md.make("span", words(endpoint, high, 3)));
  if (!found.size) md.id("md-plate").append(md.make("p", "No well of this plate was imaged at this time and replicate.", "md-notice"));
};
// another plate may have other times and replicates: the first that it has, where it lacks the chosen ones
const reach = () => {
  const wells = md.data("wells"), which = Number(chooser("plate").value);
  const here = wells.well.map((_, row) => row).filter(row => wells.plate[row] === which);
  const has = (name, rows) => rows.filter(row => wells[name][row] === Number(chooser(name).value));
  let rows = has("time", here);
  if (!rows.length) { chooser("time").value = wells.time[here[0]]; rows = has("time", here); }
  if (!has("replicate", rows).length) chooser("replicate").value = wells.replicate[rows[0]];
};
const curveOf = async (row, endpoint) => {
  const wells = md.data("wells"), time = String(wells.times[wells.time[row]]);
  const role = wells.roles[wells.role[row]];
  const compound = role === "treated" ? wells.compound[row] : md.compound;
  const view = md.id("md-compound-view");
  const piece = view && view.dataset.shown === String(compound) ? view : await md.piece("md-compound", compound);
  if (!piece) return null;
  const svg = md.all("svg.md-curve[data-wells]", piece).find(each => each.dataset.endpoint === endpoint.key && each.dataset.time === time);
  if (!svg) return null;
  const copy = svg.cloneNode(true), dot = md.dots(copy).find(each => each.row === row);
  if (dot) {
    const ring = document.createElementNS("http://www.w3.org/2000/svg", "circle");
    for (const [key, value] of Object.entries({ cx: dot.x, cy: dot.y, r: 7, fill: "none", stroke: "#C02020", "stroke-width": 2.2, class: "md-here" }))
      ring.setAttribute(key, value);
    copy.append(ring);
  }
  return { svg: copy, compound: md.names[compound], on: Boolean(dot) };
};
const tell = row => {
  const wells = md.data("wells"), endpoint = shown(), well = md.well(row), panel = md.id("md-well");
  plate.row = row;
  md.all(".md-well.md-chosen").forEach(each => each.classList.remove("md-chosen"));
  const button = document.querySelector(`.md-well[data-row="${row}"]`);
  if (button) button.classList.add("md-chosen");
  const limits = endpoint.low && endpoint.low[row] !== null && endpoint.high[row] !== null
    ? ` (95 % interval ${words(endpoint, endpoint.low[row], 3)} \u2013 ${words(endpoint, endpoint.high[row], 3)})` : "";
  const parts = [md.make("h3", `${well.name}: ${well.holds}`)];
  parts.push(md.make("p", `${endpoint.words}: ${words(endpoint, endpoint.values[row], 3)}${limits}. ${well.time}, replicate ${well.replicate}${well.plate ? ", plate " + well.plate : ""}.`));
  const thumbs = md.data("thumbs") || {};
  if (thumbs[row]) {
    const image = md.make("img", undefined, "md-thumb");
    image.src = thumbs[row];
    image.alt = `Image of well ${well.name}`;
    parts.push(image);
  } else parts.push(md.make("p", "No image of this well is on the page.", "md-none"));
  const place = md.make("div");
  parts.push(place);
  curveOf(row, endpoint).then(curve => {
    if (curve) place.append(md.make("p", `On the curve of ${curve.compound}${curve.on ? "" : " (not among its wells)"}:`), curve.svg);
    else place.append(md.make("p", "No curve of this endpoint was fitted here.", "md-none"));
  }).catch(fault => place.append(md.make("p", fault.message, "md-none")));
  const list = md.make("dl", undefined, "md-list md-values");
  for (const each of wells.endpoints) {
    if (each.values[row] === null) continue;
    list.append(md.make("dt", each.words), md.make("dd", words(each, each.values[row], 3)));
  }
  const fold = md.make("details", undefined, "md-fold");
  fold.append(md.make("summary", "All values of this well"), list);
  parts.push(fold);
  panel.replaceChildren(...parts);
};
const remember = () => {
  const wells = md.data("wells");
  md.remember({
    endpoint: shown().key,
    time: String(wells.times[Number(chooser("time").value)]),
    replicate: wells.replicates[Number(chooser("replicate").value)],
    ...(wells.plates.length > 1 ? { plate: wells.plates[Number(chooser("plate").value)] } : {}),
  });
};
const set = (name, list, value) => {
  const at = list.indexOf(value);
  if (at >= 0) chooser(name).value = at;
};
md.toWell = (row, key) => {
  const wells = md.data("wells");
  md.remember({
    view: "plate", endpoint: key, well: wells.well[row], plate: wells.plates[wells.plate[row]],
    time: String(wells.times[wells.time[row]]), replicate: wells.replicates[wells.replicate[row]], image: null,
  }, true);
  md.show("plate");
  scrollTo(0, 0);
};
md.on.plate = () => {
  const wells = md.data("wells");
  if (!wells || !md.id("md-plate")) return;
  if (!plate.ready) {
    plate.ready = true;
    for (const name of ["plate", "endpoint", "time", "replicate"])
      chooser(name).addEventListener("change", () => { plate.row = null; if (name === "plate") reach(); paint(); remember(); });
    const area = md.id("md-plate");
    const over = event => { const button = event.target.closest(".md-well"); if (button && Number(button.dataset.row) !== plate.row) tell(Number(button.dataset.row)); };
    area.addEventListener("pointerover", over);
    area.addEventListener("focusin", over);
    area.addEventListener("click", over);
    area.addEventListener("keydown", event => {
      const step = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] }[event.key];
      const cell = event.target.closest("td");
      if (!step || !cell) return;
      event.preventDefault();
      let row = cell.parentElement.rowIndex, column = cell.cellIndex;
      const rows = cell.closest("table").rows;
      for (;;) {
        row += step[0];
        column += step[1];
        const next = rows[row] && rows[row].cells[column];
        if (!next || row < 1) return;
        const button = next.querySelector("button");
        if (!button) continue;
        md.all(".md-well", area).forEach(each => { each.tabIndex = -1; });
        button.tabIndex = 0;
        button.focus();
        return;
      }
    });
    md.tools(area.closest("figure"), md.drawn(plateDrawing, () => asked().title));
    md.id("md-plate-csv").addEventListener("click", () => {
      const endpoint = shown(), rows = [["Plate", "Well", "Time (h)", "Replicate", "Role", "Compound", "Dose", "Unit", endpoint.key]];
      wells.well.forEach((name, row) => rows.push([
        wells.plates[wells.plate[row]], name, wells.times[wells.time[row]], wells.replicates[wells.replicate[row]],
        wells.roles[wells.role[row]], wells.compounds[wells.compound[row]], wells.dose[row] ?? "", wells.units[wells.unit[row]], endpoint.values[row] ?? "",
      ]));
      md.csv(rows, endpoint.key);
    });
  }
  // what the address asks for: an endpoint, a well, the well of a field
  let wanted = null;
  const image = md.asked("image");
  const at = image ? wells.acquisition.names.indexOf(image.split("_Well_")[0]) : -1;
  if (at >= 0) {
    const name = image.split("_Well_")[1].split("_Field_")[0];
    wanted = wells.well.findIndex((each, row) => each === name && wells.acquisition.of[row] === at);
  } else if (md.asked("well")) {
    const fits = (list, of, name, row) => md.asked(name) === null || String(list[of[row]]) === md.asked(name);
    wanted = wells.well.findIndex((each, row) => each === md.asked("well")
      && fits(wells.times, wells.time, "time", row) && fits(wells.plates, wells.plate, "plate", row)
      && fits(wells.replicates, wells.replicate, "replicate", row));
  }
  set("endpoint", wells.endpoints.map(each => each.key), md.asked("endpoint"));
  if (wanted !== null && wanted >= 0) for (const name of ["plate", "time", "replicate"]) chooser(name).value = wells[name][wanted];
  else {
    set("time", wells.times.map(String), md.asked("time"));
    set("replicate", wells.replicates, md.asked("replicate"));
    set("plate", wells.plates, md.asked("plate"));
  }
  paint();
  if (wanted !== null && wanted >= 0) tell(wanted);
  else if (plate.row !== null) tell(plate.row);
};
"""
