"""Style sheet of the page. In Python, so that the digest of the code sees a change of it."""

from __future__ import annotations

CSS = """
/* MultiQC's own head: its logo small, no tour, no cloud. */
#page_title, #mqc_welcome, .seqera-logo, .ai-summary, a[href="#mqc_renamesamples"],
a[href="#mqc_hidesamples"], a[href="#mqc_cols"], a[href="#mqc_saveconfig"], #mqc-nav-header {
  display: none !important;
}
.side-nav-logo { font-size: 12px; opacity: .55; margin: 10px 0 0 !important; }
.side-nav-logo svg { max-height: 22px; }
.side-nav-title { font-size: 17px !important; }
.mainpage .lead { font-size: 16px; max-width: 70em; color: #444; }
.mqc-section h3 { font-size: 19px; margin-top: 18px; }
.mqc-module-section h2 { border-bottom: 2px solid #DDE3E8; padding-bottom: 5px; width: 100%; }
.mqc-module-section h2 + * { margin-top: 0; }

/* morphodose */
.md-part { max-width: 1180px; font-size: 14.5px; line-height: 1.5; }
.md-part p { max-width: 62em; }
.md-figure { margin: 10px 0 18px; }
.md-figure img { max-width: 100%; height: auto; border-radius: 3px; }
.md-figure figcaption { color: #555; font-size: 13px; margin-top: 4px; max-width: 62em; }
.md-gallery {
  display: grid;
  grid-template-columns: repeat(var(--md-columns, 3), minmax(0, 1fr));
  gap: 10px;
  max-width: 1100px;
}
.md-gallery .md-figure { margin: 0; }
.md-gallery img { width: 100%; background: #111; }
.md-strips .md-figure { margin: 0 0 6px; }
.md-table small { color: #666; }
.md-scroll { overflow-x: auto; max-width: 100%; margin: 8px 0 14px; }
.md-table { border-collapse: collapse; font-size: 13.5px; font-variant-numeric: tabular-nums; }
.md-table th {
  text-align: left;
  border-bottom: 2px solid #C9D2DA;
  padding: 5px 16px 5px 6px;
  vertical-align: bottom;
}
.md-table td {
  border-bottom: 1px solid #E8ECEF;
  padding: 4px 16px 4px 6px;
  vertical-align: top;
  overflow-wrap: break-word;
  max-width: 32em;
}
.md-table .md-nowrap { white-space: nowrap; }
.md-table .md-num { text-align: right; }
.md-table caption { caption-side: top; color: #333; font-weight: 600; }
.md-notice {
  background: #F4F5F7;
  border-left: 4px solid #9AA5B1;
  padding: 9px 14px;
  margin: 8px 0 14px;
  max-width: 62em;
  color: #444;
}
.md-fine { color: #2B5F47; }
.md-fold { margin: 4px 0 14px; }
.md-fold summary { cursor: pointer; color: #2A6592; }
.md-list { display: grid; grid-template-columns: max-content 1fr; gap: 4px 20px; max-width: 75em; }
.md-list dt { font-weight: 600; color: #333; }
.md-list dd { margin: 0; overflow-wrap: anywhere; }
.md-verdict {
  border-radius: 6px;
  padding: 14px 20px;
  margin: 6px 0 16px;
  border: 1px solid;
  border-left-width: 8px;
}
.md-verdict strong { font-size: 19px; display: block; margin-bottom: 3px; }
.md-verdict.md-ok { background: #EFF6F9; border-color: #3B7EA1; }
.md-verdict.md-warn { background: #FFF8E8; border-color: #E0A020; }
.md-verdict.md-stop { background: #FDF0E9; border-color: #D55E00; }
.md-state { border-radius: 10px; padding: 1px 9px; font-size: 12px; white-space: nowrap; }
.md-state.md-ok { background: #DCEBF3; color: #1F4E68; }
.md-state.md-warn { background: #FCEBC4; color: #6B4A00; }
.md-state.md-stop { background: #F9DACB; color: #7A2E00; }
.md-key { font-size: 15px; margin: 0 0 12px; padding-left: 20px; }
.md-key li { margin: 3px 0; max-width: 68em; }
.md-methods {
  background: #FAFBFC;
  border: 1px solid #E1E6EA;
  border-radius: 6px;
  padding: 14px 20px;
  max-width: 70em;
}
.md-methods ol { font-size: 13px; }
.md-verdict ul { margin: 6px 0 0; padding-left: 20px; }
.md-findings { font-size: 15.5px; margin: 0 0 12px; padding-left: 22px; max-width: 78em; }
.md-findings li { margin: 4px 0; }
.md-pair { display: flex; flex-wrap: wrap; gap: 18px; align-items: flex-start; }
.md-pair > * { min-width: 0; max-width: 100%; }
.md-pair > .md-montage { flex: 1 1 560px; min-width: 0; margin: 0; }
.md-row { display: flex; flex-wrap: wrap; gap: 12px; margin: 8px 0; }
.md-montage table {
  border-collapse: separate;
  border-spacing: 2px;
  font-size: 12px;
  table-layout: fixed;
  width: 100%;
  min-width: calc(46px + var(--md-tiles) * 46px);
  max-width: calc(46px + var(--md-tiles) * 122px);
}
.md-montage tr > :first-child { width: 46px; }
.md-montage th { font-weight: 600; padding: 0 2px; overflow: hidden; }
.md-montage td { padding: 0; }
.md-montage img { display: block; width: 100%; height: auto; background: #000; }
.md-montage img:hover, .md-montage img:focus { outline: 2px solid #1F6F9F; }
.md-montage figcaption { color: #555; font-size: 13px; }
.md-curve { max-width: 100%; height: auto; font: 11px sans-serif; background: #FFF; }
.md-curve text { fill: #222; }
.md-none { color: #666; font-size: 12px; }
.md-name { font-size: 16px; margin: 10px 0 4px; overflow-wrap: anywhere; }
.md-tall { max-height: 560px; overflow: auto; }
.md-tall thead th { position: sticky; top: 0; background: #FFF; z-index: 1; }
.md-hits td { vertical-align: middle; padding: 2px 12px 2px 6px; max-width: 20em; }
.md-hits small { color: #555; }
.md-hits .md-figure-cell { white-space: nowrap; }
.md-hits th button, .md-hits td button, .md-csv {
  background: none;
  border: 0;
  padding: 0;
  color: #1D5A85;
  font-weight: 600;
  text-align: left;
}
.md-hits td button { text-decoration: underline; overflow-wrap: anywhere; }
.md-hits th[aria-sort="ascending"] button::after { content: " \\2191"; }
.md-hits th[aria-sort="descending"] button::after { content: " \\2193"; }
.md-hits tr.md-chosen td { background: #E8F1F7; }
.md-find { display: block; margin: 0 0 4px; }
.md-csv { font-size: 12.5px; font-weight: 400; text-decoration: underline; display: block; }
@media print { .md-csv, .md-find { display: none; } .md-tall { max-height: none; } }
"""
