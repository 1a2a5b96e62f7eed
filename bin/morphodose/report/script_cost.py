"""The cost in the browser: forecast beside actual of each step, and of each plate, whose tasks name it."""

# ruff: noqa: E501
from __future__ import annotations

COST = r"""
const hours = seconds => { const value = seconds / 3600; return value >= 0.1 ? value.toFixed(2) : value.toFixed(4); };
const foretold = value => (typeof value === "number" ? hours(value * 3600) : "not measured");
const sheet = (heads, rows) => {
  const table = md.make("table", undefined, "md-table"), line = table.createTHead().insertRow(), body = table.createTBody();
  heads.forEach((words, i) => { const head = md.make("th", words, i ? "md-num" : ""); head.scope = "col"; line.append(head); });
  for (const row of rows) {
    const made = body.insertRow();
    row.forEach((value, i) => made.append(md.make("td", value, /^[-\d.,]+$/.test(value) && i ? "md-num" : "")));
  }
  const box = md.make("div", undefined, "md-scroll");
  box.append(table);
  return box;
};
// [step, its core-seconds on each plate, those of tasks that are of no one plate]
const spentBy = (cost, rows) => rows.map(row => {
  const of = cost.plates.map(() => 0);
  let rest = 0;
  for (const [name, seconds] of Object.entries(JSON.parse(row.cells[0].dataset.by)))
    Object.hasOwn(cost.of, name) ? (of[cost.of[name]] += seconds) : (rest += seconds);
  return [row.cells[0].textContent, of, rest];
});
const byPlate = (cost, rows, place) => {
  place.append(md.make("h4", "By plate"));
  if (!rows.every(row => row.cells[0].dataset.by)) {
    place.append(md.make("p", "Left out: the trace of this run has no tags (column tag), which name the plate of a task.", "md-notice"));
    return;
  }
  const spent = spentBy(cost, rows), wells = cost.wells.reduce((sum, each) => sum + each, 0);
  const own = spent.filter(([, of]) => of.some(Boolean)), sum = values => values.reduce((all, each) => all + each, 0);
  const share = (step, plate) => (typeof cost.steps[step] === "number" ? (cost.steps[step] * cost.wells[plate]) / wells : null);
  const known = own.filter(([step]) => share(step, 0) !== null);
  place.append(md.make("p", "Tasks that work on the wells of one plate name it. Their forecast is divided by the well-timepoints of each plate; steps without a forecast are in neither of the two columns that are compared."));
  place.append(sheet(
    ["Plate", "Well-timepoints", "Core-hours", "Of them, with a forecast", "Forecast, core-hours"],
    [
      ...cost.plates.map((name, plate) => [
        name, String(cost.wells[plate]), hours(sum(own.map(([, of]) => of[plate]))),
        hours(sum(known.map(([, of]) => of[plate]))), hours(3600 * sum(known.map(([step]) => share(step, plate)))),
      ]),
      ["tasks of several plates or of the whole screen", "\u2013", hours(sum(spent.map(([, , rest]) => rest))), "\u2013", "\u2013"],
    ],
  ));
  const fold = md.make("details", undefined, "md-fold");
  fold.append(md.make("summary", "By step and plate"), sheet(
    ["Step", "Plate", "Core-hours", "Forecast, core-hours"],
    own.flatMap(([step, of]) => cost.plates.map((name, plate) => [step, name, hours(of[plate]), foretold(share(step, plate))])),
  ));
  place.append(fold);
};
md.on.methods = () => {
  const cost = md.data("cost"), table = document.querySelector("#md-cost table"), told = md.id("md-forecast");
  if (!cost || !table || !told || table.dataset.joined) return;
  table.dataset.joined = "yes";
  const at = words => [...table.tHead.rows[0].cells].findIndex(head => head.textContent === words);
  const spent = at("Core-hours"), gpus = at("GPU-hours"), rows = [...table.tBodies[0].rows];
  for (const words of ["Forecast, core-hours", ...(gpus < 0 ? [] : ["Forecast, GPU-hours"])]) {
    const head = md.make("th", words);
    head.scope = "col";
    table.tHead.rows[0].append(head);
  }
  let actual = 0, expected = 0;
  for (const row of rows) {
    const step = row.cells[0].textContent, seconds = Number(row.cells[0].dataset.coreSeconds), hoursTold = cost.steps[step];
    if (spent >= 0) row.cells[spent].textContent = hours(seconds); // as exact as what stands beside it
    if (typeof hoursTold === "number") { actual += seconds; expected += hoursTold * 3600; }
    row.append(md.make("td", foretold(hoursTold), "md-num"));
    if (gpus >= 0) row.append(md.make("td", foretold(cost.gpu[step]), "md-num"));
  }
  told.querySelector("div").remove(); // its hours stand in the table now
  if (expected) told.append(md.make("p", `Steps with a forecast: ${hours(expected)} core-hours were forecast and ${hours(actual)} were spent, ${md.digits(actual / expected, 2)} times the forecast.`));
  byPlate(cost, rows, told);
};
"""
