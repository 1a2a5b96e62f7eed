"""Style sheet of the page. In Python, so that the digest of the code sees a change of it."""

# ruff: noqa: E501
from __future__ import annotations

CSS = """
:root { --md-ink: #1F2933; --md-soft: #52606D; --md-line: #D5DCE2; --md-blue: #17507A; --md-pale: #F4F6F8; }
* { box-sizing: border-box; }
body { margin: 0; overflow-wrap: break-word; color: var(--md-ink); background: #FFF; font: 14.5px/1.5 system-ui, "Segoe UI", sans-serif; }
h1 { font-size: 20px; margin: 0; overflow-wrap: anywhere; }
h2 { font-size: 20px; margin: 4px 0 10px; }
h3 { font-size: 17px; margin: 16px 0 6px; overflow-wrap: anywhere; }
h4 { font-size: 15px; margin: 14px 0 4px; }
p { max-width: 66em; margin: 6px 0; }
a { color: var(--md-blue); }
a:focus-visible, button:focus-visible, select:focus-visible, input:focus-visible, canvas:focus-visible,
summary:focus-visible, [tabindex]:focus-visible { outline: 3px solid #E69F00; outline-offset: 1px; }
button, select, input { font: inherit; color: inherit; }
select, input[type="search"] { padding: 3px 6px; border: 1px solid #8896A4; border-radius: 4px; background: #FFF; max-width: 100%; }
.md-skip { position: absolute; left: -999px; }
.md-skip:focus { left: 8px; top: 8px; background: #FFF; padding: 6px; z-index: 9; }
.md-hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
.md-head { display: flex; flex-wrap: wrap; gap: 6px 22px; align-items: center; padding: 9px 22px; background: #FFF;
  border-bottom: 1px solid var(--md-line); position: sticky; top: 0; z-index: 5; }
.md-title { flex: 1 1 300px; min-width: 0; }
.md-title p { margin: 0; color: var(--md-soft); font-size: 13px; }
.md-head nav { display: flex; flex-wrap: wrap; gap: 2px; }
.md-head nav a { padding: 5px 10px; border-radius: 5px; text-decoration: none; font-weight: 600; }
.md-head nav a:hover { background: var(--md-pale); }
.md-head nav a[aria-current] { background: var(--md-blue); color: #FFF; }
.md-compound select { max-width: 220px; }
main { padding: 10px 22px 40px; max-width: 1400px; margin: 0 auto; outline: 0; }
.md-js:not(.md-printing) .md-page:not(.md-shown) { display: none; }
.md-section, .md-part, .md-page section { min-width: 0; scroll-margin-top: 70px; }
.md-part > h3:first-child, .md-part > h4:first-child { margin-top: 4px; }
.md-figure, .md-fig, .md-montage, .md-canvas { margin: 8px 0 14px; position: relative; max-width: 100%; }
.md-figure img { max-width: 100%; height: auto; }
figcaption { color: var(--md-soft); font-size: 13px; margin-top: 3px; max-width: 66em; }
.md-save { position: absolute; top: 0; right: 0; display: flex; gap: 3px; opacity: 0; }
figure:hover > .md-save, .md-save:focus-within { opacity: 1; }
@media (hover: none) { .md-save { opacity: 1; position: static; } }
.md-save button { font-size: 11.5px; padding: 1px 7px; border: 1px solid #8896A4; border-radius: 4px; background: #FFF; }
.md-gallery { display: grid; grid-template-columns: repeat(auto-fill, minmax(260px, 1fr)); gap: 10px; max-width: 1250px; }
.md-gallery .md-figure { margin: 0; }
.md-gallery img { width: 100%; background: #111; }
.md-strips .md-figure { margin: 0 0 6px; }
.md-scroll { overflow-x: auto; max-width: 100%; margin: 6px 0 12px; }
.md-table { border-collapse: collapse; font-size: 13.5px; font-variant-numeric: tabular-nums; }
.md-table th { text-align: left; border-bottom: 2px solid #C3CDD6; padding: 4px 14px 4px 6px; vertical-align: bottom; }
.md-table tbody th { border-bottom: 1px solid #E4E9ED; font-weight: 500; }
.md-table td { border-bottom: 1px solid #E4E9ED; padding: 4px 14px 4px 6px; vertical-align: top;
  overflow-wrap: break-word; max-width: 34em; }
.md-table small { color: var(--md-soft); }
.md-table .md-nowrap { white-space: nowrap; }
.md-table .md-num { text-align: right; }
.md-table caption { caption-side: top; text-align: left; color: var(--md-soft); font-size: 13px; }
.md-onsets td { text-align: center; border: 1px solid #FFF; padding: 3px 8px; background: var(--md-pale); white-space: nowrap; }
.md-onsets td:first-child { text-align: left; }
.md-notice { background: var(--md-pale); border-left: 4px solid #8896A4; padding: 7px 13px; margin: 6px 0 12px; max-width: 66em; }
.md-fine { color: #24543E; }
.md-fold { margin: 4px 0 10px; }
.md-fold > summary { cursor: pointer; color: var(--md-blue); font-weight: 600; padding: 2px 0; }
.md-list { display: grid; grid-template-columns: max-content 1fr; gap: 3px 18px; max-width: 75em; margin: 6px 0; }
.md-list + .md-list { margin-top: 16px; }
.md-list dt { font-weight: 600; }
.md-list dd { margin: 0; overflow-wrap: anywhere; }
.md-verdict { border-radius: 6px; padding: 9px 16px; margin: 4px 0 10px; border: 1px solid; border-left-width: 8px; }
.md-verdict strong { font-size: 17px; margin-right: 8px; }
.md-verdict ul { margin: 4px 0 0; padding-left: 20px; }
.md-verdict.md-ok { background: #EFF6F9; border-color: #3B7EA1; }
.md-verdict.md-none { background: var(--md-pale); border-color: #8896A4; color: inherit; font-size: inherit; }
.md-verdict.md-warn { background: #FFF8E8; border-color: #E0A020; }
.md-verdict.md-stop { background: #FDF0E9; border-color: #D55E00; }
.md-state { border-radius: 10px; padding: 1px 9px; font-size: 12px; white-space: nowrap; }
.md-state.md-ok { background: #DCEBF3; color: #163A4F; }
.md-state.md-none { background: #E6EAED; color: #333; }
.md-state.md-warn { background: #FCEBC4; color: #573C00; }
.md-state.md-stop { background: #F9DACB; color: #6A2700; }
.md-key { margin: 0 0 10px; padding-left: 20px; }
.md-key li { margin: 3px 0; max-width: 68em; }
.md-methods { background: #FAFBFC; border: 1px solid var(--md-line); border-radius: 6px; padding: 10px 20px; max-width: 70em; }
.md-methods ol { font-size: 13px; }
.md-command { background: var(--md-pale); padding: 8px 14px; white-space: pre-wrap; overflow-wrap: anywhere; }
.md-findings { font-size: 15.5px; margin: 0 0 10px; padding-left: 22px; max-width: 82em; }
.md-findings li { margin: 3px 0; }
.md-findings, .md-key, .md-verdict, p, li, dd, figcaption, summary { overflow-wrap: anywhere; }
.md-pair { display: flex; flex-wrap: wrap; gap: 18px; align-items: flex-start; }
.md-pair > * { min-width: 0; max-width: 100%; }
.md-pair > [data-home] { flex: 1 1 560px; }
.md-row { display: flex; flex-wrap: wrap; gap: 10px; }
.md-trio { display: grid; grid-template-columns: minmax(0, 1.3fr) minmax(0, 1fr) minmax(0, .95fr); gap: 0 18px; align-items: start; }
.md-trio .md-figure { margin: 4px 0 8px; }
@media (max-width: 1100px) { .md-trio { grid-template-columns: minmax(0, 1fr); } }
.md-flow { display: flex; flex-wrap: wrap; gap: 0 26px; align-items: flex-start; }
.md-flow figcaption { width: 0; min-width: 100%; }
.md-montage { margin: 0; }
.md-montage table { border-collapse: separate; border-spacing: 2px; font-size: 12px; table-layout: fixed; width: 100%;
  min-width: calc(46px + var(--md-tiles) * 46px); max-width: calc(46px + var(--md-tiles) * 122px); }
.md-montage tr > :first-child { width: 46px; }
.md-montage th { font-weight: 600; padding: 0 1px; overflow: hidden; overflow-wrap: normal; word-break: normal; }
.md-montage td { padding: 0; }
.md-tile { display: block; position: relative; isolation: isolate; background: #000; aspect-ratio: 1; overflow: hidden; }
.md-tile img { position: absolute; inset: 0; width: 100%; height: 100%; mix-blend-mode: plus-lighter; }
.md-tile .md-mask { mix-blend-mode: normal; }
.md-no-cell .md-tile .md-cell, .md-no-nuclear .md-tile .md-nuclear, .md-no-early_death .md-tile .md-early_death,
.md-no-late_death .md-tile .md-late_death, .md-no-mask .md-tile .md-mask { display: none; }
.md-switches { border: 0; padding: 0; margin: 0 0 4px; display: flex; flex-wrap: wrap; gap: 3px 14px; font-size: 13px; }
.md-switches legend { float: left; padding: 0; margin-right: 10px; color: var(--md-soft); }
.md-switch { white-space: nowrap; }
.md-swatch { display: inline-block; width: 12px; height: 12px; border-radius: 2px; margin: 0 5px 0 3px; border: 1px solid #0003; }
.md-curve { max-width: 100%; height: auto; font: 11px sans-serif; background: #FFF; }
.md-curve text { fill: #222; }
.md-none { color: var(--md-soft); font-size: 12.5px; }
.md-name { font-size: 17px; margin: 8px 0 4px; overflow-wrap: anywhere; }
.md-legend { list-style: none; display: flex; flex-wrap: wrap; gap: 2px 14px; padding: 0; margin: 2px 0; font-size: 13px; }
.md-legend svg { vertical-align: -2px; margin-right: 4px; }
.md-legend-tall { flex-direction: column; max-height: 330px; overflow-y: auto; flex-wrap: nowrap; }
.md-legend button { background: none; border: 0; padding: 1px 4px; text-align: left; cursor: pointer; }
.md-legend button[aria-pressed="false"] { text-decoration: line-through; color: #6B6B6B; }
.md-legend .md-remove { text-decoration: underline; color: var(--md-blue); font-size: 12px; }
.md-tall { max-height: 420px; overflow: auto; }
.md-tall thead th { position: sticky; top: 0; background: #FFF; z-index: 1; }
.md-hits td:first-child { min-width: 8.5em; }
.md-hits .md-curve { background: none; max-width: none; }
.md-hits td:nth-child(7) { min-width: 12.5em; }
.md-hits td { vertical-align: middle; padding: 1px 12px 1px 6px; max-width: 20em; }
.md-hits .md-figure-cell { white-space: nowrap; }
.md-hits th button, .md-hits td button, .md-csv { background: none; border: 0; padding: 0; color: var(--md-blue);
  font-weight: 600; text-align: left; cursor: pointer; }
.md-hits td button { text-decoration: underline; overflow-wrap: anywhere; }
.md-hits th[aria-sort="ascending"] button::after { content: " \\2191"; }
.md-hits th[aria-sort="descending"] button::after { content: " \\2193"; }
.md-hits tr.md-chosen td { background: #E4EFF6; }
.md-find { display: block; margin: 0 0 4px; }
.md-csv { font-size: 12.5px; font-weight: 400; text-decoration: underline; display: block; }
.md-controls { display: flex; flex-wrap: wrap; gap: 6px 16px; align-items: center; margin: 6px 0; }
.md-controls label { min-width: 0; max-width: 100%; }
.md-controls button { padding: 3px 10px; border: 1px solid #8896A4; border-radius: 4px; background: #FFF; }
.md-controls button:disabled { color: #6B6B6B; }
.md-plate-view, .md-cells-view { display: grid; grid-template-columns: minmax(0, 1fr) 330px; gap: 20px; align-items: start; }
.md-plate { border-collapse: separate; border-spacing: 2px; table-layout: fixed; width: 100%; max-width: 900px; font-size: 11.5px; }
.md-plate caption { caption-side: top; text-align: left; font-size: 14px; font-weight: 600; padding-bottom: 4px; }
.md-plate th { font-weight: 500; color: var(--md-soft); padding: 0; }
.md-plate tr > :first-child { width: 26px; }
.md-plate td { padding: 0; background: var(--md-pale); border-radius: 3px; height: calc(440px / var(--md-columns)); }
.md-well { display: block; width: 100%; height: 100%; min-height: 12px; border: 0; padding: 0; border-radius: 3px; font-size: 11px; overflow: hidden;
  cursor: pointer; position: relative; background: #FFF; }
.md-well[data-mark]:not([data-mark=""])::before { content: attr(data-mark); position: absolute; left: 2px; top: -1px; font-size: 9px; }
.md-plate[style*="24"] .md-well::before, .md-plate[style*="48"] .md-well::before { content: none; }
.md-well.md-chosen, .md-well:hover { outline: 3px solid #C02020; z-index: 1; }
#md-plate-scale { display: flex; gap: 8px; align-items: center; font-size: 12.5px; }
.md-scale-bar { display: inline-block; width: 200px; height: 11px; border: 1px solid #0003; }
.md-thumb { width: 168px; image-rendering: auto; background: #000; display: block; }
.md-values { font-size: 12.5px; }
#md-cells { width: 100%; height: 560px; border: 1px solid var(--md-line); cursor: crosshair; display: block; }
.md-crop { display: inline-block; background-color: #000; color: #FFF; font-size: 11px; margin: 0 2px 2px 0; }
.md-id { font-weight: 600; overflow-wrap: anywhere; }
.md-crops { border-collapse: collapse; font-size: 12.5px; }
.md-crops th, .md-crops td { padding: 3px 8px 3px 0; text-align: left; white-space: nowrap; color: var(--md-ink); }
.md-tip { position: fixed; z-index: 8; max-width: 240px; background: #FFF; border: 1px solid #8896A4; border-radius: 4px; padding: 3px 8px;
  font-size: 12.5px; pointer-events: none; }
[hidden] { display: none !important; }
@media (max-width: 820px) {
  main { padding: 8px 12px 30px; }
  .md-head { padding: 8px 12px; position: static; }
  .md-plate-view, .md-cells-view { grid-template-columns: minmax(0, 1fr); }
  #md-cells { height: 380px; }
}
@media (max-width: 600px) {
  .md-list { grid-template-columns: minmax(0, 1fr); }
  .md-hits thead { display: none; }
  .md-hits, .md-hits tbody, .md-hits tr, .md-hits td:nth-child(n) { display: block; width: 100%; min-width: 0; max-width: none; }
  .md-hits tr { border-bottom: 2px solid var(--md-line); padding: 5px 0; }
  .md-hits td { border: 0; padding: 1px 4px; }
  .md-hits td[data-label]::before { content: attr(data-label) ": "; color: var(--md-soft); }
  .md-hits td br { display: none; }
  .md-hits .md-figure-cell { white-space: normal; }
  .md-hits td small { margin-left: .6em; }
  .md-stack thead { display: none; }
  .md-stack, .md-stack tbody, .md-stack tr, .md-stack td { display: block; width: 100%; }
  .md-stack tr { border-bottom: 2px solid var(--md-line); padding: 5px 0; }
  .md-stack td, .md-stack td.md-num { border: 0; padding: 1px 4px; text-align: left; white-space: normal; overflow-wrap: anywhere; }
  .md-stack td::before { content: attr(data-label) ": "; color: var(--md-soft); }
  .md-stack td:empty { display: none; }
  .md-montage table { font-size: 9px; }
  .md-plate { font-size: 9px; }
  .md-well { font-size: 0; }
  .md-table { font-size: 12.5px; }
}
@media print {
  .md-js .md-page { display: block !important; }
  .md-page { break-before: page; }
  .md-page:first-child { break-before: auto; }
  .md-head { position: static; }
  .md-head nav, .md-compound, .md-csv, .md-find, .md-save, .md-controls, .md-skip, .md-tip { display: none; }
  .md-tall { max-height: none; overflow: visible; }
  .md-scroll { overflow: visible; }
  figure, tr { break-inside: avoid; }
  h2, h3, h4, .md-name, .md-controls { break-after: avoid; }
  .md-tile img { mix-blend-mode: screen; }
  section:has(> [data-slot]:empty), .md-hint, .md-switches { display: none; }
  .md-table { font-size: 11px; }
  .md-crops { zoom: .6; }
  .md-table .md-nowrap { white-space: normal; }
  .md-tile, .md-well, .md-swatch, .md-onsets td, .md-crop { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
"""
