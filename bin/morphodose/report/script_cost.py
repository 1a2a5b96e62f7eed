"""The cost in the browser: forecast and actual of each step in one table, and by plate."""

# ruff: noqa: E501
from __future__ import annotations

COST = r"""
const hours = seconds => { const value = seconds / 3600; return value >= 0.1 ? value.toFixed(2) : value.toFixed(4); };
md.on.methods = () => {
  const cost = md.data("cost"), table = document.querySelector("#md-cost table"), told = md.id("md-forecast");
  if (!cost || !table || !told || table.dataset.joined) return;
  table.dataset.joined = "yes";
  for (const words of ["Forecast, core-hours", `Core-hours per plate and timepoint (${cost.plates})`]) {
    const head = md.make("th", words);
    head.scope = "col";
    table.tHead.rows[0].append(head);
  }
  const spent = [...table.tHead.rows[0].cells].findIndex(head => head.textContent === "Core-hours");
  let actual = 0, foretold = 0;
  for (const row of table.tBodies[0].rows) {
    const step = row.cells[0].textContent, seconds = Number(row.cells[0].dataset.coreSeconds);
    if (spent >= 0) row.cells[spent].textContent = hours(seconds); // as exact as what stands beside it
    const hoursTold = cost.steps[step];
    if (typeof hoursTold === "number") { actual += seconds; foretold += hoursTold * 3600; }
    row.append(md.make("td", typeof hoursTold === "number" ? hours(hoursTold * 3600) : "not measured", "md-num"));
    row.append(md.make("td", hours(seconds / cost.plates), "md-num"));
  }
  told.querySelector("div").remove(); // its hours stand in the table now
  if (foretold) told.append(md.make("p", `Steps with a forecast: ${hours(foretold)} core-hours foretold, ${hours(actual)} spent, ${md.digits(actual / foretold, 2)} times as much.`));
};
"""
