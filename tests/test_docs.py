"""What the documentation promises: each table and column that a run publishes is in docs/output.md."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import anndata
import pandas as pd
import pytest

import export_anndata
import profile_features
import reduce_features
from embedding_tree import run
from morphodose.reduction.umap_sample import parameters
from reduction_tables import screen

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "output.md").read_text(encoding="utf-8")
#: Names with a number or a text of the run in them → how the page writes them.
FAMILIES = {
    r"(\w+)_(Low|High)": r"\1",
    r"PC_\d+": "PC_<n>", r"Embedding_\d+": "Embedding_<n>", r"X_(pca|umap)_[a-z]+": r"X_\1_<set>",
    r"(Count|Relative|Fraction|Endpoint)_\w+": r"\1_", r"Metadata_\w+": "Metadata_*",
}  # fmt: skip


def section(heading: str, page: str = PAGE) -> str:
    """Text below the heading of the page that begins like this."""
    found = [text for text in re.split(r"^## ", page, flags=re.MULTILINE)[1:] if text.startswith(heading)]
    assert len(found) == 1, f"docs/output.md has {len(found)} sections {heading!r}"
    return found[0]


def unnamed(columns: Iterable[str], text: str) -> list[str]:
    """Columns that a text does not name between backticks, by themselves or as one of a family."""
    named = {name.strip() for part in re.findall(r"`([^`\n]+)`", text) for name in part.split(",")}
    families = {
        column: re.sub(f"^{pattern}$", words, column)
        for column in columns
        for pattern, words in FAMILIES.items()
        if re.fullmatch(pattern, column)
    }
    return [column for column in columns if column not in named and families.get(column) not in named]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Reduction, profiles and AnnData of a tiny screen, written by the commands themselves."""
    folder = screen(tmp_path_factory.mktemp("screen"), cells=6)
    given = [
        "--cells",
        folder / "cells",
        "--embeddings",
        folder / "embeddings",
        "--images",
        folder / "images",
    ]
    for kind in ("classical", "joint"):
        out = folder / "reduced" / kind
        run(reduce_features.main, "--set", kind, *given, "--out", out, "--umap_cells", 0)
    run(profile_features.main, *given, "--out", folder / "tables", "--null_size", 100, "--resamples", 100)
    run(
        export_anndata.main, "--cells", folder / "cells", "--wells", folder / "wells.parquet",
        "--reduced", folder / "reduced", "--profiles", folder / "tables" / "profiles", "--out", folder / "anndata",
    )  # fmt: skip
    return folder


def test_a_column_that_the_page_does_not_name_is_found() -> None:
    text = section("`profile_scores`")
    assert unnamed(["mAP", "PC_7", "Hue", "Q"], text) == ["PC_7", "Hue"]
    assert unnamed(["PC_7", "PC_x"], section("`reduced`")) == ["PC_x"]
    assert section("`one`", "## `one`\ntext `a`\n## `two`\n`b`").strip() == "`one`\ntext `a`"


def test_each_option_of_the_pipeline_is_in_a_guide() -> None:
    groups = json.loads((ROOT / "nextflow_schema.json").read_text(encoding="utf-8"))["$defs"].values()
    guides = "".join(
        (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8") for name in ("usage", "cluster")
    )
    names = [name for group in groups for name in group["properties"]]
    assert len(names) > 60 and [name for name in names if not re.search(rf"--{name}\b", guides)] == []


#: Pages for the user and for those who change the code.
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "containers/README.md")),
    *sorted((ROOT / "docs").glob("*.md")),
]


def anchors(page: Path) -> set[str]:
    """What a link may name behind `#`: the headings of a page, as GitHub writes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_links_and_paths_of_the_pages_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if not link.startswith("http"):
            name, _, anchor = link.partition("#")
            target = page.parent / name if name else page
            assert target.exists(), link
            assert not anchor or anchor in anchors(target), link
    # the worked examples of CONTRIBUTING.md name files that are still to be made
    made = {"list_fields", "span.py"}
    folders = {path.name for path in ROOT.iterdir() if path.is_dir()}
    blocks = re.findall(r"^```\w*\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    code = " ".join([*blocks, *re.findall(r"`([^`\n]+)`", text)])
    for word in re.findall(r"(?<![\w./-])[\w-]+/[\w./-]+", code):
        if word.split("/")[0] in folders and not any(part in word for part in made):
            assert (ROOT / word.rstrip(".")).exists(), word


def test_each_entry_of_the_record_of_a_reduction_is_in_its_section(results: Path) -> None:
    folder = results / "reduced" / "joint"
    record = json.loads((folder / "reduction.json").read_text(encoding="utf-8"))
    assert len(record) > 8 and unnamed([*record, *parameters(100, 30, 0)], section("`reduced`")) == []


def test_tables_are_joined_as_the_page_shows(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (code,) = [
        block
        for block in re.findall(r"^```python\n(.*?)^```", section("Reading the tables"), re.M | re.S)
        if "merge" in block
    ]
    tables = tmp_path / "results" / "tables"
    (tables / "embeddings").mkdir(parents=True)
    (tables / "cells").mkdir()
    for table in (results / "cells").iterdir():  # those of the fixture have no verdict
        one = pd.read_parquet(table)
        one["Metadata_QCVerdict"] = ["drop", *["keep"] * (len(one) - 1)]
        one.to_parquet(tables / "cells" / table.name)
    pd.read_parquet(results / "wells.parquet").assign(Relative_CellCount=1.0).to_parquet(
        tables / "wells.parquet"
    )
    (tables / "embeddings" / "trained").symlink_to(results / "embeddings")
    monkeypatch.chdir(tmp_path)
    found: dict[str, pd.DataFrame] = {}
    exec(code, found)  # the page's own lines
    wells = len(list((tables / "cells").iterdir()))
    assert wells > 4 and len(found["cells"]) == 5 * wells, "six cells a well, one of them of a dropped field"
    assert not found["cells"][["Relative_CellCount", "Embedding"]].isna().any(axis=None)


@pytest.mark.parametrize("name", ["cells", "wells"])
def test_each_part_of_an_anndata_file_is_in_its_section(results: Path, name: str) -> None:
    text = section("AnnData")
    found = anndata.read_h5ad(results / "anndata" / f"{name}.h5ad")
    assert f"`{name}.h5ad`" in text
    parts = ["X", "obs", "var", "uns", *found.obs.columns, *found.var.columns, *found.uns, *found.obsm]
    assert len(parts) > 10 and unnamed(parts, text) == []


def test_citations_are_those_of_the_methods_text() -> None:
    checked = subprocess.run(
        [sys.executable, ROOT / "setup" / "citations.py", "--check"], capture_output=True, text=True
    )
    assert checked.returncode == 0, checked.stderr


def test_the_modules_named_in_methods_are_there() -> None:
    text = (ROOT / "docs" / "methods.md").read_text(encoding="utf-8")
    groups = re.findall(r"\(((?:`[a-z_0-9.]+`(?:, )?)+)\)$", text, re.M) + re.findall(
        r"\((`\w+\.\w+`)\)", text
    )
    named = {name for group in groups for name in re.findall(r"`([^`]+)`", group)}
    assert len(named) > 25
    for name in named:
        place = ROOT / "bin" / "morphodose" / name.replace(".", "/")
        assert place.is_dir() or place.with_suffix(".py").is_file(), name
