from __future__ import annotations

import importlib
import json
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
import scipy.ndimage as ndi
import tifffile

from faults.tasks import completed
from morphodose.imaging.images import Field, write_field, write_labels
from morphodose.names import cell_id
from morphodose.tables import column_units, read_table
from one_well import KEYS, WELL


@pytest.fixture(scope="module")
def real(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two parts of the real field and an empty one, nuclei by Otsu, cells grown from them."""
    from skimage.filters import threshold_otsu
    from skimage.segmentation import clear_border, expand_labels

    folder = tmp_path_factory.mktemp("a well") / "it's here"
    image = np.stack(
        [tifffile.imread(shared_data / f"brightfield/r03c03f03p01-ch{c}sk1fk1fl1.tiff") for c in (1, 2, 5)]
    )
    channels = ("Brightfield", "CellMask", "Hoechst")
    for number, corner in ((1, 0), (2, 500)):
        part = image[:, corner : corner + 400, corner : corner + 400]
        smooth = ndi.gaussian_filter(part[2].astype(float), 2)
        found, _ = ndi.label(ndi.binary_opening(smooth > threshold_otsu(smooth), iterations=3))
        cells = clear_border(expand_labels(found, 12))
        nuclei = np.where(cells == found, found, 0)
        nuclei[nuclei == np.unique(cells)[1]] = 0
        write_field(folder / WELL / f"{WELL}_Field_{number}.ome.tiff", Field(part, channels, 0.3))
        write_labels(folder / WELL / f"{WELL}_Field_{number}_cells.tif", cells)
        write_labels(folder / WELL / f"{WELL}_Field_{number}_nuclei.tif", nuclei)
    empty = np.zeros((400, 400), np.int32)
    write_field(folder / WELL / f"{WELL}_Field_11.ome.tiff", Field(image[:, :400, :400], channels, 0.3))
    for name in ("cells", "nuclei"):
        write_labels(folder / WELL / f"{WELL}_Field_11_{name}.tif", empty)
    return folder


def run(root: Path, folder: Path, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command in this process; in one of its own where it has another environment."""
    arguments = ["--images", str(folder), "--masks", str(folder), "--keys", json.dumps(KEYS)]
    if not environment:
        return completed("measure_cells", *arguments, *options)
    return subprocess.run(
        [sys.executable, str(root / "bin/measure_cells.py"), *arguments, *options],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(root / "bin"), "OMP_NUM_THREADS": "1", **environment},
        check=False,
    )


@pytest.fixture(scope="module")
def table(root: Path, real: Path) -> Path:
    out = real / "out" / f"{WELL}.parquet"
    done = run(root, real, "--out", str(out.parent), PYTHONPROFILEIMPORTTIME="1")
    assert done.returncode == 0, done.stderr
    assert "field 3 of 3: 0 cells" in done.stderr
    imported = re.findall(r"^import time:.*\| +(\S+)$", done.stderr, re.MULTILINE)
    assert "pyarrow.parquet" in imported
    assert "pandas" not in imported, "half as much again as the start of the task"
    return out


def test_a_cell_id_leads_from_the_row_to_its_pixels(real: Path, table: Path) -> None:
    frame = read_table(table)
    assert len(frame) > 4
    assert frame["Metadata_CellID"].is_unique
    for _, row in frame.iterrows():
        image, label = row["Metadata_ImageID"], row["Metadata_ObjectLabel"]
        assert row["Metadata_CellID"] == cell_id(image, label)
        inside = tifffile.imread(real / WELL / f"{image}_cells.tif") == label
        pixels = tifffile.imread(real / WELL / f"{image}.ome.tiff")
        assert row["Cells_AreaShape_Area"] == pytest.approx(inside.sum() * 0.3**2, rel=1e-6)
        y, x = np.nonzero(inside)
        assert row["Cells_AreaShape_Center_X"] == pytest.approx(x.mean(), rel=1e-6)
        assert row["Cells_AreaShape_BoundingBoxMinimum_Y"] == y.min()
        for index, channel in enumerate(("Brightfield", "CellMask", "Hoechst")):
            mean = np.float32(pixels[index][inside].astype(float).mean())
            assert np.float32(row[f"Cells_Intensity_MeanIntensity_{channel}"]) == mean


def test_counts_are_those_of_the_masks_and_nuclei_carry_their_cells_label(real: Path, table: Path) -> None:
    frame = read_table(table)
    for field in (1, 2, 11):
        rows = frame[frame["Metadata_Field"] == field]
        cells = tifffile.imread(real / WELL / f"{WELL}_Field_{field}_cells.tif")
        nuclei = tifffile.imread(real / WELL / f"{WELL}_Field_{field}_nuclei.tif")
        assert list(rows["Metadata_ObjectLabel"]) == sorted(set(cells.ravel()) - {0})
        with_nucleus = rows["Nuclei_AreaShape_Area"].notna()
        assert set(rows.loc[with_nucleus, "Metadata_ObjectLabel"]) == set(nuclei.ravel()) - {0}


def test_the_table_has_the_keys_first_float32_features_and_units(table: Path) -> None:
    frame = read_table(table)
    keys = [name for name in frame.columns if name.startswith("Metadata_")]
    assert list(frame.columns[: len(keys)]) == keys
    assert keys == [
        *("Metadata_Plate", "Metadata_Timepoint", "Metadata_Replicate", "Metadata_Acquisition"),
        *("Metadata_Well", "Metadata_Field", "Metadata_ImageID", "Metadata_ObjectLabel", "Metadata_CellID"),
    ]
    assert set(frame.dtypes[len(keys) :].astype(str)) == {"float32"}
    units = column_units(table)
    assert units["Cells_AreaShape_Area"] == "um2"
    assert units["Metadata_Timepoint"] == "h"
    assert units["Nuclei_Intensity_MeanIntensity_Hoechst"] == "counts"


def test_a_well_of_empty_fields_has_the_same_columns_and_types(
    root: Path, real: Path, table: Path, tmp_path: Path
) -> None:
    for name in (f"{WELL}_Field_11.ome.tiff", f"{WELL}_Field_11_cells.tif", f"{WELL}_Field_11_nuclei.tif"):
        (tmp_path / WELL).mkdir(exist_ok=True)
        (tmp_path / WELL / name).write_bytes((real / WELL / name).read_bytes())
    out = tmp_path / f"{WELL}.parquet"
    assert run(root, tmp_path, "--out", str(tmp_path)).returncode == 0
    frame = read_table(out)
    assert len(frame) == 0
    assert list(frame.columns) == list(read_table(table).columns)
    assert len(read_table([table, out])) == len(read_table(table))


def test_missing_masks_and_wrong_options_are_said_in_one_line(root: Path, real: Path, tmp_path: Path) -> None:
    name = f"{WELL}_Field_1"
    (tmp_path / WELL).mkdir()
    (tmp_path / WELL / f"{name}.ome.tiff").write_bytes((real / WELL / f"{name}.ome.tiff").read_bytes())
    out = str(tmp_path / "out")
    for options, said in (
        (("--out", out), f"{name}_cells.tif: the mask of the cells"),
        (("--out", out, "--features", "shape"), "'shape': is not one of sizeshape"),
    ):
        done = run(root, tmp_path, *options)
        assert done.returncode == 1
        assert said in done.stderr
        assert "Traceback" not in done.stderr
    other = {**KEYS, "id": "Time_8hrs_R1_Well_B07"}
    done = run(root, tmp_path, "--out", out, "--keys", json.dumps(other))
    assert "no field of Time_8hrs_R1_Well_B07" in done.stderr


@pytest.fixture(scope="module")
def compiled(root: Path, real: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which a task was told to keep the kernels that it compiled."""
    folder = tmp_path_factory.mktemp("kernels")
    told = {"NUMBA_CACHE_DIR": str(folder / "cache")}
    done = run(root, real, "--out", str(folder / "out"), "--features", "granularity", **told)
    assert done.returncode == 0, done.stderr
    return folder / "cache"


def test_kernels_are_kept_where_they_are_told_to_and_never_in_bin(root: Path, compiled: Path) -> None:
    assert list(compiled.rglob("*.nbi"))
    assert not list((root / "bin").rglob("*.nbi"))


def test_a_read_only_kernel_cache_and_home_do_not_stop_a_task(
    root: Path, real: Path, compiled: Path, tmp_path: Path
) -> None:
    if os.geteuid() == 0:
        cache = Path("/proc/kernels")  # no one can write here, not even root
    else:
        cache = tmp_path / "locked"
        cache.mkdir(mode=stat.S_IRUSR | stat.S_IXUSR)
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    places = {"NUMBA_CACHE_DIR": str(cache), "XDG_CACHE_HOME": "/proc/home", "TMPDIR": str(temporary)}
    # kernels of an image: they are copied to where a task can write, and not compiled again
    places["MORPHODOSE_KERNELS"] = str(compiled)
    done = run(root, real, "--out", str(tmp_path / "out"), "--features", "granularity", **places)
    assert done.returncode == 0, done.stderr
    names = [{path.name for path in folder.rglob("*.nbc")} for folder in (compiled, temporary)]
    assert names[0] and names[1] == names[0]


def test_kernels_are_not_kept_where_others_can_put_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    compiled = importlib.import_module("morphodose.compiled")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(compiled.config, "CACHE_DIR", "")
    place = tmp_path / f"morphodose-{os.getuid()}"
    monkeypatch.setenv("XDG_CACHE_HOME", "/proc/home")
    for given in ("/proc/kernels", str(place / "numba")):
        monkeypatch.setenv("NUMBA_CACHE_DIR", given)
        place.mkdir()
        place.chmod(0o777)  # somebody else may write here
        with pytest.raises(OSError, match="or can be by others"):
            compiled.kernel_cache()
        place.rmdir()
        (tmp_path / "theirs").mkdir(exist_ok=True)
        place.symlink_to(tmp_path / "theirs")
        with pytest.raises(OSError, match="or can be by others"):
            compiled.kernel_cache()
        place.unlink()
    assert compiled.kernel_cache() == place / "numba"
    assert place.stat().st_mode & 0o777 == 0o700


def test_kernels_are_found_again_in_another_place_but_not_after_a_change_of_what_they_call(
    root: Path, tmp_path: Path
) -> None:
    """Numba's own way misses the first, and takes the old value for the second."""
    sources = {
        "caller.py": "from numba import njit\nfrom morphodose import compiled\nfrom called import two\n\n"
        "@njit(cache=True)\ndef twice(x):\n    return x * two()\n",
        "called.py": "from numba import njit\nfrom morphodose import compiled\n\n"
        "@njit(cache=True)\ndef two():\n    return 2\n",
    }
    script = "import caller; print(caller.twice(21), sum(caller.twice.stats.cache_hits.values()))"

    def said_in(place: Path, **variables: str) -> str:
        environment = {**os.environ, "PYTHONPATH": f"{place}:{root / 'bin'}", **variables}
        done = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, env=environment, check=True
        )
        return done.stdout.strip()

    first, second = tmp_path / "bin", tmp_path / "moved" / "bin"
    first.mkdir()
    for name, source in sources.items():
        (first / name).write_text(source)
    kept = {"NUMBA_CACHE_DIR": str(tmp_path / "kernels")}
    assert said_in(first, **kept) == "42 0"
    shutil.copytree(first, second)
    assert said_in(second, **kept) == "42 1"
    # as an image has them, which nobody can write to
    image = {"MORPHODOSE_KERNELS": str(tmp_path / "kernels"), "NUMBA_CACHE_DIR": str(tmp_path / "other")}
    assert said_in(second, **image) == "42 1"
    (second / "called.py").write_text(sources["called.py"].replace("return 2", "return 3"))
    assert said_in(second, **kept) == "63 0"
    assert said_in(first, **kept) == "42 1"


def test_start_up_imports_no_more_than_numpy_numba_and_the_readers_of_files(root: Path) -> None:
    heavy = (
        "torch",
        "scipy.ndimage",
        "scipy.sparse",
        "pandas",
        "skimage",
        "cp_measure",
        "centrosome",
        "matplotlib",
    )
    script = f"import sys, measure_cells; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(root / "bin")},
        check=True,
    )
    assert done.stdout.strip() == "[]"
