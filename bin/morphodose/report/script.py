"""What the page does in the browser: the table of hits, the chosen compound, tables as CSV.

Plain JavaScript without a library. Names reach it as text of the page only, and leave it as text.
"""

from __future__ import annotations

SCRIPT = r"""
(() => {
  const all = (query, from) => [...(from || document).querySelectorAll(query)];
  const number = text => (text.trim() === "" || isNaN(text) ? null : Number(text));

  // sorting: numbers as numbers, else as words; a second click turns the order round
  const sort = button => {
    const head = button.closest("th"), table = button.closest("table");
    const place = Number(button.dataset.sort);
    const falling = head.getAttribute("aria-sort") === "ascending";
    const body = table.tBodies[0];
    const rows = [...body.rows];
    const key = row => row.cells[place].dataset.key;
    rows.sort((a, b) => {
      const x = number(key(a)), y = number(key(b));
      return x !== null && y !== null ? x - y : key(a).localeCompare(key(b), undefined, { numeric: true });
    });
    if (falling) rows.reverse();
    rows.forEach(row => body.appendChild(row));
    all("th", table).forEach(other => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", falling ? "descending" : "ascending");
  };

  const find = box => {
    const wanted = box.value.toLowerCase();
    for (const row of document.getElementById(box.dataset.find).tBodies[0].rows)
      row.hidden = !row.textContent.toLowerCase().includes(wanted);
  };

  // a compound: its view, its row, and the address, so that the choice can be shared
  const choose = (place, remember) => {
    all("[data-view]").forEach(view => {
      const template = document.getElementById(view.dataset.view + "-" + place);
      if (template) view.replaceChildren(template.content.cloneNode(true));
    });
    all("select[data-choose]").forEach(list => { list.value = place; });
    all("#md-hits button[data-hit]").forEach(button => {
      const mine = button.dataset.hit === String(place);
      button.closest("tr").classList.toggle("md-chosen", mine);
      button.setAttribute("aria-pressed", mine);
      if (mine && remember) {
        const address = new URL(location.href);
        address.searchParams.set("compound", button.textContent);
        try { history.replaceState(null, "", address); } catch (refused) { /* a page without an address */ }
      }
    });
  };

  // tables as CSV; what a spreadsheet would take for a formula is marked as text
  const field = text => {
    const plain = text.replace(/\s+/g, " ").trim().replace(/^\u2212/, "-");
    const safe = /^[=@]/.test(plain) || (/^[+-]/.test(plain) && isNaN(plain)) ? "'" + plain : plain;
    return '"' + safe.replace(/"/g, '""') + '"';
  };
  const csv = place => {
    const tables = all("table.md-table", place), lines = [];
    tables.forEach((table, i) => {
      for (const row of i ? table.tBodies[0].rows : table.rows) {
        const cells = [...row.cells].map(cell => field(cell.innerText || cell.textContent));
        lines.push(cells.join(","));
      }
    });
    return "\ufeff" + lines.join("\r\n") + "\r\n";
  };
  const save = button => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([csv(button.parentElement)], { type: "text/csv" }));
    link.download = button.dataset.name + ".csv";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  };
  const decorate = from => {
    for (const place of all(".md-long, .md-scroll", from)) {
      if (!place.querySelector("table.md-table") || place.parentElement.closest(".md-long")) continue;
      if (place.querySelector(".md-csv")) continue;
      const section = place.closest(".mqc-section");
      const title = section ? (section.querySelector("h3") || section).textContent.trim() : "table";
      const button = document.createElement("button");
      button.type = "button";
      button.className = "md-csv";
      button.textContent = "Download this table as CSV";
      button.dataset.name = title.slice(0, 60).replace(/[^\p{L}\p{N}]+/gu, "_") || "table";
      place.appendChild(button);
    }
  };

  document.addEventListener("click", event => {
    const button = event.target.closest("button");
    if (!button) return;
    if (button.dataset.sort) sort(button);
    else if (button.dataset.hit) choose(button.dataset.hit, true);
    else if (button.classList.contains("md-csv")) save(button);
  });
  document.addEventListener("input", event => { if (event.target.dataset.find) find(event.target); });
  document.addEventListener("change", event => {
    if (event.target.matches("select[data-choose]")) choose(event.target.value, true);
  });
  decorate(document);
  const asked = new URL(location.href).searchParams.get("compound");
  const button = all("#md-hits button[data-hit]").find(each => each.textContent === asked);
  if (button) choose(button.dataset.hit, false);
})();
"""
