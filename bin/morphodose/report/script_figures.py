"""Figures in the browser: saved as SVG and PNG, and wells of a curve under the pointer."""

# ruff: noqa: E501
from __future__ import annotations

FIGURES = r"""
// figures: drawings and their legend where they stand, as one SVG
const LOOK = "text{font:11px sans-serif;fill:#222}";
const drawing = figure => {
  const box = figure.getBoundingClientRect(), name = "http://www.w3.org/2000/svg";
  const whole = document.createElementNS(name, "svg");
  const style = document.createElementNS(name, "style");
  style.textContent = LOOK;
  whole.append(style);
  let wide = 0, tall = 0;
  const grow = place => { wide = Math.max(wide, place.right - box.left); tall = Math.max(tall, place.bottom - box.top); };
  for (const each of md.all("svg.md-curve", figure)) {
    const place = each.getBoundingClientRect(), copy = each.cloneNode(true);
    for (const [key, value] of Object.entries({ x: place.left - box.left, y: place.top - box.top, width: place.width, height: place.height }))
      copy.setAttribute(key, value.toFixed(1));
    whole.append(copy);
    grow(place);
  }
  for (const item of md.all(".md-legend li", figure)) {
    const place = item.getBoundingClientRect();
    const mark = item.querySelector("svg"), patch = item.querySelector(".md-swatch");
    let left = place.left - box.left;
    const top = place.top - box.top;
    if (mark) {
      const copy = mark.cloneNode(true), at = mark.getBoundingClientRect();
      copy.setAttribute("x", (at.left - box.left).toFixed(1));
      copy.setAttribute("y", (at.top - box.top).toFixed(1));
      whole.append(copy);
      left = at.right - box.left + 2;
    }
    if (patch) {
      const rect = document.createElementNS(name, "rect");
      for (const [key, value] of Object.entries({ x: left, y: top + 3, width: 12, height: 12, fill: patch.style.background }))
        rect.setAttribute(key, value);
      whole.append(rect);
      left += 16;
    }
    const text = document.createElementNS(name, "text");
    text.setAttribute("x", left.toFixed(1));
    text.setAttribute("y", (top + 14).toFixed(1));
    text.textContent = item.textContent;
    whole.append(text);
    grow(place);
  }
  whole.setAttribute("xmlns", name);
  whole.setAttribute("viewBox", `0 0 ${Math.ceil(wide)} ${Math.ceil(tall)}`);
  whole.setAttribute("width", Math.ceil(wide));
  whole.setAttribute("height", Math.ceil(tall));
  return new XMLSerializer().serializeToString(whole);
};
const picture = (source, name, times) => {
  const image = new Image();
  image.onload = () => {
    const canvas = document.createElement("canvas");
    canvas.width = Math.round((image.naturalWidth || 800) * times);
    canvas.height = Math.round((image.naturalHeight || 600) * times);
    const pen = canvas.getContext("2d");
    pen.fillStyle = "#FFF";
    pen.fillRect(0, 0, canvas.width, canvas.height);
    pen.drawImage(image, 0, 0, canvas.width, canvas.height);
    canvas.toBlob(blob => md.save(blob, "image/png", name + ".png"));
  };
  image.src = source;
};
const asAddress = svg => "data:image/svg+xml;charset=utf-8," + encodeURIComponent(svg);
const inner = address => new TextDecoder().decode(Uint8Array.from(atob(address.split(",")[1]), letter => letter.charCodeAt(0)));
const mosaic = (figure, name) => {
  const table = figure.querySelector("table"), box = table.getBoundingClientRect(), times = 2;
  const canvas = document.createElement("canvas");
  canvas.width = Math.ceil(box.width * times);
  canvas.height = Math.ceil(box.height * times);
  const pen = canvas.getContext("2d");
  pen.scale(times, times);
  pen.fillStyle = "#FFF";
  pen.fillRect(0, 0, box.width, box.height);
  pen.font = "600 12px sans-serif";
  pen.fillStyle = "#222";
  for (const head of md.all("th", table)) {
    const at = head.getBoundingClientRect();
    pen.fillText(head.textContent, at.left - box.left + 2, at.top - box.top + at.height / 2 + 4);
  }
  for (const tile of md.all(".md-tile", table)) {
    const at = tile.getBoundingClientRect();
    pen.globalCompositeOperation = "source-over";
    pen.fillStyle = "#000";
    pen.fillRect(at.left - box.left, at.top - box.top, at.width, at.height);
    for (const layer of md.all("img", tile)) {
      if (getComputedStyle(layer).display === "none") continue;
      pen.globalCompositeOperation = layer.classList.contains("md-mask") ? "source-over" : "lighter";
      pen.drawImage(layer, at.left - box.left, at.top - box.top, at.width, at.height);
    }
  }
  canvas.toBlob(blob => md.save(blob, "image/png", name + ".png"));
};
// an element of an SVG, with text that is text
md.shape = (tag, attributes, text) => {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
};
// buttons that save what a function draws: [width, height, elements]
md.drawn = (draw, name) => {
  const whole = () => {
    const [wide, tall, parts] = draw();
    const svg = md.shape("svg", { xmlns: "http://www.w3.org/2000/svg", viewBox: `0 0 ${wide} ${tall}`, width: wide, height: tall });
    svg.append(md.shape("style", {}, LOOK), ...parts);
    return new XMLSerializer().serializeToString(svg);
  };
  return [
    ["SVG", () => md.save(whole(), "image/svg+xml", name() + ".svg")],
    ["PNG", () => picture(asAddress(whole()), name(), 2)],
  ];
};
md.tools = (figure, kinds) => {
  const bar = md.make("div", undefined, "md-save");
  for (const [words, act] of kinds) {
    const button = md.make("button", words);
    button.type = "button";
    button.setAttribute("aria-label", `Save ${figure.dataset.name || "figure"} as ${words}`);
    button.addEventListener("click", act);
    bar.append(button);
  }
  figure.append(bar);
};
md.figures = from => {
  for (const figure of md.all("figure[data-name]", from)) {
    if (figure.querySelector(".md-save")) continue;
    const name = figure.dataset.name, image = figure.querySelector(":scope > img");
    if (figure.classList.contains("md-montage")) md.tools(figure, [["PNG", () => mosaic(figure, name)]]);
    else if (image) {
      const vector = image.src.startsWith("data:image/svg");
      md.tools(figure, [
        ...(vector ? [["SVG", () => md.save(inner(image.src), "image/svg+xml", name + ".svg")]] : []),
        ["PNG", () => picture(image.src, name, vector ? 2 : 1)],
      ]);
    } else if (figure.querySelector("svg.md-curve"))
      md.tools(figure, [
        ["SVG", () => md.save(drawing(figure), "image/svg+xml", name + ".svg")],
        ["PNG", () => picture(asAddress(drawing(figure)), name, 2)],
      ]);
  }
};

// wells of a curve: the dots begin as strokes of no length, in the order of data-wells; those not in the fit first
md.dots = svg => {
  const rows = (svg.dataset.wells || "").split(" ").filter(Boolean).map(Number);
  const found = [];
  for (const path of svg.querySelectorAll('path[stroke-linecap="round"]')) {
    for (const match of path.getAttribute("d").matchAll(/M([-\d.]+) ([-\d.]+)h0/g)) {
      if (found.length === rows.length) return found;
      found.push({ row: rows[found.length], x: Number(match[1]), y: Number(match[2]), out: found.length < Number(svg.dataset.out || 0) });
    }
  }
  return found;
};
md.well = row => {
  const wells = md.data("wells"), dose = wells.dose[row], role = wells.roles[wells.role[row]];
  const unit = wells.unitWords[wells.unit[row]];
  const holds = role === "treated" || dose ? `${wells.compounds[wells.compound[row]]} ${md.digits(dose, 4)} ${unit}`.trim() : role;
  return {
    name: wells.well[row], holds, role,
    time: `${wells.times[wells.time[row]]} h`,
    plate: wells.plates[wells.plate[row]],
    replicate: wells.replicates[wells.replicate[row]],
  };
};
const tip = md.make("div", undefined, "md-tip");
tip.hidden = true;
document.body.append(tip);
const nearest = (svg, event) => {
  const box = svg.getBoundingClientRect(), wide = svg.viewBox.baseVal.width;
  const x = ((event.clientX - box.left) * wide) / box.width, y = ((event.clientY - box.top) * wide) / box.width;
  let best = null, least = 12 * 12;
  for (const dot of md.dots(svg)) {
    const far = (dot.x - x) ** 2 + (dot.y - y) ** 2;
    if (far < least) { least = far; best = dot; }
  }
  return best;
};
document.addEventListener("pointermove", event => {
  const svg = event.target.closest ? event.target.closest("svg.md-curve[data-wells]") : null;
  const dot = svg && md.data("wells") ? nearest(svg, event) : null;
  tip.hidden = !dot;
  if (!dot) return;
  const well = md.well(dot.row), wells = md.data("wells");
  const endpoint = wells.endpoints.find(each => each.key === svg.dataset.endpoint);
  const given = endpoint ? endpoint.values[dot.row] : null;
  // the dot stands where the fit took it, against the vehicle of its plate
  const value = endpoint ? `. ${endpoint.words}: ${endpoint.share && given !== null ? md.digits(100 * given, 3) + " %" : md.digits(given, 3) + " as measured"}` : "";
  const out = dot.out ? ". Not in the fit" : "";
  tip.textContent = `${well.plate} ${well.name}, replicate ${well.replicate}: ${well.holds}, ${well.time}${value}${out}`.trim();
  tip.style.left = Math.min(event.clientX + 12, innerWidth - 240) + "px";
  tip.style.top = event.clientY + 14 + "px";
});
document.addEventListener("click", event => {
  const svg = event.target.closest ? event.target.closest("svg.md-curve[data-wells]") : null;
  const dot = svg && md.data("wells") && md.id("md-plate") ? nearest(svg, event) : null;
  if (dot) md.toWell(dot.row, svg.dataset.endpoint);
});
"""
