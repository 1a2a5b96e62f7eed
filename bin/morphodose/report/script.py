"""What the page does in the browser: views, the chosen compound, tables, figures to save.

Plain JavaScript without a library. Names reach it as text of the page and as JSON, and leave it as text. Each
part is a function of `md`, which holds what they share.
"""

# ruff: noqa: E501
from __future__ import annotations

from morphodose.report.script_cells import CELLS
from morphodose.report.script_cost import COST
from morphodose.report.script_figures import FIGURES
from morphodose.report.script_plate import PLATE

CORE = r"""
const md = { on: {} };
md.id = name => document.getElementById(name);
md.all = (query, from) => [...(from || document).querySelectorAll(query)];
md.make = (tag, text, kind) => {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  if (kind) made.className = kind;
  return made;
};
const read = {};
md.data = name => {
  if (!(name in read)) {
    const element = md.id("md-data-" + name);
    read[name] = element ? JSON.parse(element.textContent) : null;
  }
  return read[name];
};
md.asked = name => new URL(location.href).searchParams.get(name);
md.remember = (changes, anew) => {
  const address = new URL(location.href);
  address.hash = "";
  for (const [name, value] of Object.entries(changes))
    value === null ? address.searchParams.delete(name) : address.searchParams.set(name, value);
  if (address.href === location.href) return;
  try { history[anew ? "pushState" : "replaceState"](null, "", address); } catch (refused) { /* no address */ }
};
md.save = (content, kind, name) => {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([content], { type: kind }));
  link.download = name.slice(0, 80).replace(/[^\p{L}\p{N}.]+/gu, "_");
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
};
// what a spreadsheet would take for a formula is marked as text
md.field = text => {
  const plain = String(text).replace(/\s+/g, " ").trim().replace(/^\u2212/, "-");
  const safe = /^[=@]/.test(plain) || (/^[+-]/.test(plain) && isNaN(plain)) ? "'" + plain : plain;
  return '"' + safe.replace(/"/g, '""') + '"';
};
md.csv = (rows, name) =>
  md.save("\ufeff" + rows.map(row => row.map(md.field).join(",")).join("\r\n") + "\r\n", "text/csv", name + ".csv");
md.digits = (value, count) => {
  if (value === null || value === undefined) return "\u2013";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1e5 || size < 1e-4) return value.toExponential(count - 1);
  const text = value.toFixed(Math.max(count - 1 - Math.floor(Math.log10(size)), 0));
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
};

// views: one is shown, in print all
const pages = md.all(".md-page");
md.view = () => (document.querySelector(".md-page.md-shown") || pages[0]).id.slice(5);
md.show = (key, anew) => {
  const page = md.id("view-" + key) || pages[0];
  pages.forEach(each => each.classList.toggle("md-shown", each === page));
  md.all("[data-view-link]").forEach(link => {
    if (link.dataset.viewLink === md.view()) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  });
  if (anew) { md.remember({ view: md.view() }, true); scrollTo(0, 0); }
  settle();
};
const settle = () => {
  place();
  (md.on[md.view()] || (() => {}))();
  md.decorate(document.querySelector(".md-page.md-shown"));
};
md.go = target => {
  const page = target.closest(".md-page");
  if (page && !page.classList.contains("md-shown")) md.show(page.id.slice(5), true);
  for (let fold = target.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
  target.scrollIntoView();
};

// a compound: its pieces in all views, its row, the control, the address
md.names = (md.data("page") || { compounds: [] }).compounds;
md.compound = 0;
const pieces = new Map();
const unpack = async text => {
  if (!("DecompressionStream" in window)) throw new Error("This browser cannot unpack the other compounds: open the page in a newer one (Chrome 80, Firefox 113, Safari 16.4 or later).");
  const bytes = Uint8Array.from(atob(text), letter => letter.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"))).text();
};
// what a view has of a compound that is not shown, as a fragment; null where it has nothing
md.piece = (key, place) => {
  const name = key + "-" + place;
  if (!pieces.has(name)) {
    const packed = md.id(name), made = document.createElement("template");
    pieces.set(name, packed ? unpack(packed.textContent).then(text => { made.innerHTML = text; return made.content; }) : Promise.resolve(null));
  }
  return pieces.get(name);
};
md.choose = async (number, remember) => {
  md.compound = Number(number);
  const list = md.id("md-compound");
  if (list) list.value = number;
  md.all("#md-hits button[data-hit]").forEach(button => {
    const mine = button.dataset.hit === String(number);
    button.closest("tr").classList.toggle("md-chosen", mine);
    button.setAttribute("aria-pressed", mine);
  });
  if (remember) md.remember({ compound: md.names[number] });
  const views = md.all("[data-view]").filter(view => view.dataset.shown !== String(number));
  const found = await Promise.all(views.map(view => md.piece(view.dataset.view, number).catch(fault => md.make("div", fault.message, "md-notice"))));
  if (md.compound !== Number(number)) return; // another was chosen meanwhile
  home();
  views.forEach((view, i) => {
    if (!found[i] || view.dataset.shown === String(number)) return;
    const kept = document.createDocumentFragment();
    kept.append(...view.childNodes);
    pieces.set(view.dataset.view + "-" + view.dataset.shown, Promise.resolve(kept));
    view.append(found[i]);
    view.dataset.shown = number;
  });
  settle();
};
// the montage stands in the view that is shown: there is one of it
const montage = () => document.querySelector('[data-view="md-hit"] .md-montage, [data-slot="montage"] .md-montage');
const home = () => {
  const found = montage(), place = document.querySelector('[data-home="montage"]');
  if (found && place && found.parentElement !== place) place.append(found);
};
// pictures that are those of wells: they are on the page once, with the plate
const fill = root => md.all("[data-well]", root).forEach(tile => {
  if (tile.firstChild) return;
  const image = md.make("img");
  image.alt = "";
  image.src = (md.data("thumbs") || {})[tile.dataset.well];
  tile.append(image);
});
const place = () => {
  home();
  const found = montage(), slot = document.querySelector('#md-compound-view [data-slot="montage"]');
  if (found && slot && md.view() === "compound") slot.append(found);
  else if (slot && !found && !slot.firstChild) {
    const why = document.querySelector('[data-home="montage"] .md-notice');
    if (why) slot.append(why.cloneNode(true));
  }
  if (found) { layers(found); fill(found); }
};
const hidden = new Set(["mask"]);
const layers = root => md.all("input[data-layer]", root).forEach(box => {
  box.checked = !hidden.has(box.dataset.layer);
  root.classList.toggle("md-no-" + box.dataset.layer, !box.checked);
});

// the table of compounds: numbers as numbers, else as words; a second click turns the order round
const number = text => (text.trim() === "" || isNaN(text) ? null : Number(text));
const sort = button => {
  const head = button.closest("th"), table = button.closest("table"), place = Number(button.dataset.sort);
  const falling = head.getAttribute("aria-sort") === "ascending";
  const rows = [...table.tBodies[0].rows], key = row => row.cells[place].dataset.key;
  rows.sort((a, b) => {
    const x = number(key(a)), y = number(key(b));
    return x !== null && y !== null ? x - y : key(a).localeCompare(key(b), undefined, { numeric: true });
  });
  if (falling) rows.reverse();
  table.tBodies[0].append(...rows);
  md.all("th", table).forEach(other => other.removeAttribute("aria-sort"));
  head.setAttribute("aria-sort", falling ? "descending" : "ascending");
};
const find = box => {
  const wanted = box.value.toLowerCase();
  for (const row of md.id(box.dataset.find).tBodies[0].rows)
    row.hidden = !row.textContent.toLowerCase().includes(wanted);
};
const saveTable = button => {
  const rows = [];
  md.all("table.md-table", button.parentElement).forEach((table, i) => {
    for (const row of i ? table.tBodies[0].rows : table.rows)
      rows.push([...row.cells].map(cell => cell.innerText || cell.textContent));
  });
  md.csv(rows, button.dataset.name);
};
md.title = element => {
  const part = element.closest("section:not(.md-page), .md-part, .md-page");
  const head = part && part.querySelector("h3, h4, summary, h2");
  return (head ? head.textContent : "table").trim();
};
md.decorate = from => {
  // in a narrow window a table of many columns is a list, each value with the head of its column
  for (const table of md.all("table.md-table:not(.md-hits, .md-onsets, .md-stack)", from)) {
    const heads = table.tHead ? [...table.tHead.rows[0].cells].map(cell => cell.textContent.trim()) : [];
    if (heads.length < 4) continue;
    table.classList.add("md-stack");
    for (const body of table.tBodies) for (const row of body.rows) [...row.cells].forEach((cell, i) => { cell.dataset.label = heads[i]; });
  }
  for (const place of md.all(".md-long, .md-scroll", from)) {
    if (!place.querySelector("table.md-table") || place.parentElement.closest(".md-long")) continue;
    if (place.querySelector(".md-csv") || place.id === "md-plate") continue;
    const button = md.make("button", "Download this table as CSV", "md-csv");
    button.type = "button";
    button.dataset.name = md.title(place);
    place.append(button);
  }
  for (const box of md.all(".md-scroll", from)) // what scrolls must be reached by the keyboard
    if (box.scrollWidth > box.clientWidth + 1 || box.scrollHeight > box.clientHeight + 1) box.tabIndex = 0;
  md.figures(from);
};

document.addEventListener("click", event => {
  const link = event.target.closest("a");
  if (link && !event.ctrlKey && !event.metaKey) {
    const at = link.getAttribute("href") || "";
    if (link.dataset.viewLink) { event.preventDefault(); md.show(link.dataset.viewLink, true); return; }
    if (at.startsWith("?")) {
      event.preventDefault();
      const asked = Object.fromEntries(new URLSearchParams(at));
      md.remember({ endpoint: null, time: null, plate: null, replicate: null, well: null, image: null, ...asked }, true);
      md.show(asked.view || "answer");
      scrollTo(0, 0);
      return;
    }
    if (at.startsWith("#sec-")) {
      const target = md.id(at.slice(1));
      if (target) { event.preventDefault(); md.go(target); }
    }
  }
  const button = event.target.closest("button");
  if (!button) return;
  if (button.dataset.sort) sort(button);
  else if (button.dataset.hit) md.choose(button.dataset.hit, true).then(() => {
    const shown = document.querySelector('[data-view="md-hit"]'); // its picture and curve may lie below the table
    if (shown) shown.scrollIntoView({ block: "nearest" });
  });
  else if (button.classList.contains("md-csv") && button.dataset.name) saveTable(button);
});
document.addEventListener("input", event => { if (event.target.dataset.find) find(event.target); });
document.addEventListener("change", event => {
  if (event.target.id === "md-compound") md.choose(event.target.value, true);
  const layer = event.target.dataset.layer;
  if (layer) {
    event.target.checked ? hidden.delete(layer) : hidden.add(layer);
    layers(event.target.closest(".md-montage"));
  }
});
"""

START = r"""
const start = () => {
  const target = location.hash.startsWith("#sec-") ? md.id(location.hash.slice(1)) : null;
  const named = location.hash.startsWith("#view-") ? location.hash.slice(6) : null;
  const name = md.asked("compound"), wanted = Math.max(md.names.indexOf(name), 0);
  if (wanted !== md.compound) md.choose(wanted, false);
  md.all(".md-unknown").forEach(line => line.remove());
  if (name !== null && !md.names.includes(name)) {
    const line = md.make("p", `The address asks for the compound “${name}”, which this screen does not have; ${md.names[0] ?? "no compound"} is shown.`, "md-notice md-unknown");
    line.setAttribute("role", "status");
    md.id("md-main").prepend(line);
  }
  md.show(named || md.asked("view") || "answer");
  if (target) md.go(target);
};
addEventListener("popstate", start);
// on paper all views stand below one another, each as it is when it is looked at
addEventListener("beforeprint", () => {
  document.documentElement.classList.add("md-printing");
  for (const key of Object.keys(md.on)) md.on[key]();
});
addEventListener("afterprint", () => { document.documentElement.classList.remove("md-printing"); settle(); });
start();
"""

# a block each: what a part names is its own
SCRIPT = (
    f'(() => {{\n"use strict";\n{CORE}\n{{{FIGURES}}}\n{{{PLATE}}}\n{{{CELLS}}}\n{{{COST}}}\n{START}}})();'
)
