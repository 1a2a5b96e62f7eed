"""What the project demands of its own code."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from morphodose import cli, names

ROOT = Path(__file__).resolve().parents[1]
BIN = ROOT / "bin"
LIBRARY = sorted((BIN / "morphodose").rglob("*.py"))
COMMANDS = sorted(BIN.glob("*.py"))


def imported(source: Path) -> set[str]:
    """Dotted names a source imports, anywhere in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{source}: a relative import escapes the code digest"
            found |= {node.module or ""} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def closure(source: Path) -> set[Path]:
    """All project sources behind a command."""
    seen: set[Path] = set()
    todo = [source]
    while todo:
        current = todo.pop()
        if current in seen:
            continue
        seen.add(current)
        for name in imported(current):
            if name.startswith("morphodose"):
                place = BIN / name.replace(".", "/")
                todo += [path for path in (place.with_suffix(".py"), place / "__init__.py") if path.exists()]
    return seen


@pytest.mark.parametrize("folder", ["lib", "workflows", "modules"])
def test_nothing_of_a_run_depends_on_the_language_of_the_jvm(folder: str) -> None:
    """Arabic has digits of its own, German a decimal comma, and the small letter of a Turkish I is no i."""
    sources = sorted((ROOT / folder).rglob("*.nf"))
    wrong = re.compile(r"\.to(Lower|Upper)Case\(\)|String\.format\((?!Locale\.ROOT)")
    assert sources
    assert not [str(path) for path in sources if wrong.search(path.read_text(encoding="utf-8"))]


def test_a_nextflow_script_that_is_included_twice_includes_nothing() -> None:
    """The strict parser runs it once for each, and finds what it includes defined already."""
    sources = [
        ROOT / "main.nf",
        *(path for name in ("lib", "workflows") for path in (ROOT / name).glob("*.nf")),
    ]
    included = [
        (source.parent / path).resolve().with_suffix(".nf")
        for source in sources
        for path in re.findall(r"^include .* from '(\..+)'", source.read_text(encoding="utf-8"), re.MULTILINE)
    ]
    twice = {path for path in included if path.parent.name == "lib" and included.count(path) > 1}
    assert ROOT / "lib" / "environment.nf" in twice
    assert not [path.name for path in twice if re.search("^include ", path.read_text("utf-8"), re.MULTILINE)]


@pytest.mark.parametrize("source", LIBRARY, ids=lambda path: str(path.relative_to(BIN)))
def test_the_library_imports_itself_absolutely_and_by_name(source: Path) -> None:
    text = source.read_text(encoding="utf-8")
    imported(source)
    assert "importlib.import_module" not in text, "the code digest cannot follow it"


@pytest.mark.parametrize("command", COMMANDS, ids=lambda path: path.name)
def test_a_command_is_executable_and_only_segmentation_and_networks_import_torch(command: Path) -> None:
    assert os.access(command, os.X_OK)
    needs = set().union(*(imported(source) for source in closure(command)))
    uses_torch = any(name.split(".")[0] in {"torch", "cellpose"} for name in needs)
    # stage_weights asks Cellpose where it publishes a model, and only when one has to be downloaded
    networks = {
        "train_cells.py",
        "train_resnet.py",
        "align_networks.py",
        "embed_cells.py",
        "explain_crops.py",
    }
    assert (
        not uses_torch
        or command.name in {"estimate_diameters.py", "segment_cells.py", "stage_weights.py"} | networks
    )


@pytest.mark.parametrize("command", COMMANDS, ids=lambda path: path.name)
def test_each_option_of_a_command_says_what_it_is_in_a_sentence(command: Path) -> None:
    for call in ast.walk(ast.parse(command.read_text(encoding="utf-8"))):
        if not isinstance(call, ast.Call) or ast.unparse(call.func) != "click.option":
            continue
        given = {keyword.arg: keyword.value for keyword in call.keywords}
        assert "help" in given, ast.unparse(call.args[0])
        text = ast.unparse(given["help"]).strip("f'\"")
        assert re.match(r"[A-Z0-9<{]|[a-z]+[_.][a-z]", text) and re.search(r"[.\]]$", text), text


def test_the_help_of_a_command_shows_no_empty_value() -> None:
    @cli.command
    @click.option("--empty", default="", help="A text.")
    @click.option("--axis", default="", type=click.Choice(["", "z", "time"]), help="One of several.")
    @click.option("--size", default=3, help="A number.")
    def main(**_options: object) -> None:
        """Do nothing."""

    text = CliRunner().invoke(main, ["--help"]).output
    assert '""' not in text and "--axis [z|time]" in text and "[default: 3]" in text
    assert CliRunner().invoke(main, ["--axis", ""]).exit_code == 0


@pytest.mark.parametrize("name", ["make_samplesheet", "start_screen"])
def test_the_commands_that_no_run_starts_do_so_from_any_folder(name: str, tmp_path: Path) -> None:
    # other tests call them in their own process, where the package has been found already
    done = subprocess.run(
        [str(BIN / f"{name}.py"), "--help"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
        env={"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"Usage: {name}.py")


def test_one_module_writes_csv_so_that_no_spreadsheet_runs_a_cell() -> None:
    writes = re.compile(r"csv\.(writer|DictWriter)|\.to_csv\(")
    found = {
        source.name for source in [*LIBRARY, *COMMANDS] if writes.search(source.read_text(encoding="utf-8"))
    }
    assert found == {"spreadsheets.py"}


def test_nothing_is_pickled_or_unpickled() -> None:
    calls = re.compile(r"pickle\.(load|dump)s?\b|allow_pickle=True|weights_only=False")
    for source in [*LIBRARY, *COMMANDS]:
        assert not calls.search(source.read_text(encoding="utf-8")), source


@pytest.mark.slow
def test_the_code_digest_follows_the_same_imports(tmp_path: Path) -> None:
    script = tmp_path / "main.nf"
    script.write_text(
        f"include {{ closure ; importsOf }} from '{ROOT}/lib/steps'\n"
        "workflow {\n"
        f"    def imports = importsOf(file('{BIN}'))\n"
        + "".join(
            f"    println 'SOURCES {command.name} ' + closure(imports, ['{command.name}'] as Set).toSorted().join(' ')\n"
            for command in COMMANDS
        )
        + "}\n"
    )
    path = os.pathsep.join([os.environ["PATH"], str(ROOT / "setup")])
    found = subprocess.run(
        ["nextflow", "-q", "run", str(script)],
        cwd=tmp_path, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    lines = [line.split() for line in found.stdout.splitlines() if line.startswith("SOURCES")]
    assert len(lines) == len(COMMANDS), found.stdout + found.stderr
    for _, command, *sources in lines:
        expected = {str(source.relative_to(BIN)) for source in closure(BIN / command)}
        # Nextflow also counts the __init__.py of the packages on the way
        assert expected <= set(sources), command
        assert {source for source in set(sources) - expected if not source.endswith("__init__.py")} == set()


def test_wells_are_written_the_same_whichever_way_they_are_named() -> None:
    for plate_format, (rows, columns) in names.PLATE_FORMATS.items():
        for number in (1, columns, columns + 1, rows * columns):
            well = names.normalise_well(f"W{number:04d}", plate_format)
            row, column = names.well_position(well)
            assert (row - 1) * columns + column == number
            assert names.normalise_well(well.lower(), plate_format) == well
    with pytest.raises(ValueError, match="beyond a 96-well plate"):
        names.normalise_well("W0097")
    for text in (
        "B3",
        "b03",
        "B-03",
        "B 03",
        "B_03",
        "B – 3",
        "B003",
        "Well B03",
        "well_b3",
        "r02c03",
        "R2C3",
        "Row 2, Col 3",
    ):
        assert names.normalise_well(text) == "B03", text
    assert names.normalise_well("AA-01", 1536) == "AA01"
    with pytest.raises(ValueError, match="does not say which number is the row: expected B03, or r02c03"):
        names.normalise_well("02-03")
    for text in ("A", "A-", "1A", "c3r2", "A1B2", "well", "A--1", "r0c1"):
        with pytest.raises(ValueError, match="not a well"):
            names.normalise_well(text)


def test_an_id_is_made_of_those_above_it() -> None:
    image = names.image_id(names.well_timepoint_id(names.acquisition_id(0.5, "2", "P1"), "B03"), 7)
    assert image == "P1_Time_0.5hrs_R2_Well_B03_Field_7"
    assert names.cell_id(image, 12) == f"{image}_obj12"
    assert names.field_of(image) == 7


def test_no_profile_repeats_a_selector_of_the_modules() -> None:
    """The lenient parser would take the block of the profile in the place of the other: options and publishing gone."""

    def selectors(path: Path) -> set[str]:
        return set(re.findall(r"withName: *('[^']+'|\w+) *\{", path.read_text(encoding="utf-8")))

    modules = selectors(ROOT / "conf" / "modules.config")
    assert len(modules) > 10
    for path in (ROOT / "conf").glob("*.config"):
        if path.name not in ("modules.config", "base.config"):
            assert not selectors(path) & modules, path.name


def raised_by(function: ast.FunctionDef) -> set[str]:
    """Exceptions that the function itself raises, by their names."""
    found: set[str] = set()
    todo: list[ast.AST] = list(function.body)
    while todo:
        node = todo.pop()
        if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Lambda):
            continue
        if isinstance(node, ast.Raise) and node.exc is not None:
            kind = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
            found |= {kind.id} if isinstance(kind, ast.Name) and kind.id[0].isupper() else set()
        todo += ast.iter_child_nodes(node)
    return found


@pytest.mark.parametrize("source", LIBRARY, ids=lambda path: str(path.relative_to(BIN)))
def test_a_public_function_says_what_it_raises(source: Path) -> None:
    tree = ast.parse(source.read_text(encoding="utf-8"))
    outer = [tree, *(node for node in tree.body if isinstance(node, ast.ClassDef))]
    for function in (node for place in outer for node in place.body if isinstance(node, ast.FunctionDef)):
        if not function.name.startswith("_"):
            _, _, section = (ast.get_docstring(function) or "").partition("Raises\n------\n")
            missing = {kind for kind in raised_by(function) if not re.search(rf"^{kind}$", section, re.M)}
            assert not missing, (
                f"{source}: the docstring of {function.name} does not say that it raises {missing}"
            )


@pytest.mark.parametrize("source", LIBRARY, ids=lambda path: str(path.relative_to(BIN)))
def test_a_public_function_says_the_shape_of_its_arrays(source: Path) -> None:
    arrays = re.compile(r"^(npt\.NDArray.*|np\.ndarray|Floats|Pixels|Codes|Matrix)( \| None)?$")
    shape = re.compile(r"\([\w…][^()]*,[^()]*\)")
    tree = ast.parse(source.read_text(encoding="utf-8"))
    outer = [tree, *(node for node in tree.body if isinstance(node, ast.ClassDef))]
    for function in (node for place in outer for node in place.body if isinstance(node, ast.FunctionDef)):
        given = [each for each in [*function.args.args, *function.args.kwonlyargs] if each.annotation]
        named = [each.arg for each in given if arrays.match(ast.unparse(each.annotation or each))]
        if named and not function.name.startswith("_"):
            text = ast.get_docstring(function) or ""
            assert shape.search(text), (
                f"{source}: {function.name} does not say the shape of {', '.join(named)}"
            )


#: Names of lengths, times and light, of which a number says nothing without its unit. (Doses have the unit of their
#: compound, in a column beside them.) A name that ends in its unit, as `min_area_px`, says it.
QUANTITIES = re.compile(
    r"(^|_)(diameters?|radius|radii|distances?|areas?|width|height|sigma|pixel_size|spacing|timepoints?|duration|"
    r"intensity|intensities|background|gates?|offset|dark|ceiling|expand)$"
)
UNITS = re.compile(
    r"\b(px²?|px2|pixels?|um2?|µm²?|h|hours?|s|seconds?|minutes|counts?|percent|share|fraction|ratio|units?|factor|"
    r"levels?|standard deviations?|diameters?)\b|%",
    re.IGNORECASE,
)
NUMBERS = re.compile(r"\b(float|int|NDArray|Floats|Pixels|Image|array)\b")


def said_of(doc: str) -> dict[str, str]:
    """What a docstring in NumPy's form says of each parameter or attribute: its type and the lines below it."""
    entries = re.findall(r"^(\w[\w, ]*?)(?: : (.*))?\n((?:(?: {4,}.*)?\n)+)", f"{doc}\n", re.MULTILINE)
    return {name.strip(): f"{kind}\n{words}" for names, kind, words in entries for name in names.split(",")}


@pytest.mark.parametrize("source", LIBRARY, ids=lambda path: str(path.relative_to(BIN)))
def test_a_length_a_time_and_an_intensity_have_their_unit(source: Path) -> None:
    tree = ast.parse(source.read_text(encoding="utf-8"))
    public = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name[0] != "_"]
    for owner in public:
        for name, words in said_of(ast.get_docstring(owner) or "").items():
            if QUANTITIES.search(name) and NUMBERS.search(words.partition("\n")[0]):
                assert UNITS.search(words), f"{source}: {owner.name} does not say the unit of {name}"
    for function in (
        node for place in (tree, *public) for node in place.body if isinstance(node, ast.FunctionDef)
    ):
        doc = ast.get_docstring(function) or ""
        for given in [*function.args.args, *function.args.kwonlyargs] if function.name[0] != "_" else ():
            kind = ast.unparse(given.annotation) if given.annotation else ""
            if QUANTITIES.search(given.arg) and NUMBERS.search(kind):
                assert UNITS.search(said_of(doc).get(given.arg, doc)), (
                    f"{source}: {function.name} does not say the unit of {given.arg}"
                )


def test_a_unit_that_is_missing_is_seen() -> None:
    doc = "Grow.\n\nParameters\n----------\nradius, sigma : float\n    How far.\nwidth : int\n    Edge, px.\n"
    said = said_of(doc)
    assert not UNITS.search(said["radius"]) and not UNITS.search(said["sigma"])
    assert UNITS.search(said["width"])
