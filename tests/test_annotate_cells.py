"""The command that joins the tables of cells and images."""

import json

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from morphodose.cells.annotate import Lookup
from morphodose.errors import InputError
from morphodose.report.verdict import _lacking
from morphodose.tables import LACKING, column_units, write_table
from stats_tables import keys, measurements, plate_map, run, succeed

WELLS = {"A01": ("DMSO", 0, "vehicle"), "A02": ("Drug", 1.5, "treated"), "A03": ("Drug", 3, "treated")}


@pytest.fixture
def folder(tmp_path):
    """Two wells with cells, and A03, whose only field is empty."""
    measurements(tmp_path / "m", "A01", ["viable"] * 3)
    measurements(tmp_path / "m", "A02", ["viable"] * 2)
    measurements(tmp_path / "m", "A03", [])
    plate_map(tmp_path / "map.csv", WELLS, cell_line="U2OS")
    for well, count, verdict in (("A01", 3, "keep"), ("A02", 2, "drop"), ("A03", 0, "flag")):
        one = {name: column[:1] for name, column in keys(well, 1).items() if "Object" not in name}
        one.pop("Metadata_CellID")
        reason = "" if verdict == "keep" else "empty"
        fields = pd.DataFrame(one | {"Count_Cells": [count], "Count_BorderCells": [4]})
        masks = tmp_path / "masks" / f"Time_4hrs_R1_Well_{well}"
        write_table(fields, masks / "fields.parquet")
        made = {"Metadata_CellID": keys(well, count)["Metadata_CellID"]}
        made["Metadata_CellOrigin"] = ["cellpose", "propagated", "grown"][:count]
        write_table(pd.DataFrame(made, dtype="str"), masks / "objects.parquet")
        verdicts = one | {
            "Metadata_QCVerdict": [verdict],
            "Metadata_QCReason": [reason],
            "ImageQuality_EdgeWidth_V": [0.5],
        }
        write_table(
            pd.DataFrame(verdicts), tmp_path / "qc" / f"{well}_qc.parquet", {"ImageQuality_EdgeWidth_V": "px"}
        )
    ids = keys("A01", 3)["Metadata_CellID"]
    write_table(
        pd.DataFrame(
            {
                "Metadata_CellID": ids,
                "Metadata_DeathState": ["viable", "necrotic", None],
                "Metadata_DeathStateGateLower": ["necrotic", "necrotic", None],
                "Metadata_DeathStateGateHigher": ["viable", "viable", None],
            }
        ),  # fmt: skip
        tmp_path / "death.parquet",
    )
    return tmp_path


def annotate(folder, *more):
    return succeed(
        "annotate_cells",
        "--measurements",
        folder / "m",
        "--plate_map",
        folder / "map.csv",
        "--cells_out",
        folder / "cells",
        "--images_out",
        folder / "images" / "a.parquet",
        *more,
    )


def everything(folder):
    return ("--masks", folder / "masks", "--qc", folder / "qc", "--death", folder / "death.parquet")


def test_cells_carry_plate_map_state_and_verdict_before_their_features(folder):
    annotate(folder, *everything(folder))
    cells = pd.read_parquet(folder / "cells" / "Time_4hrs_R1_Well_A01.parquet")
    assert list(cells["Metadata_DeathState"].fillna("")) == ["viable", "necrotic", ""]
    assert list(cells["Metadata_DeathStateGateLower"].fillna("")) == ["necrotic", "necrotic", ""]
    assert list(cells["Metadata_DeathStateGateHigher"].fillna("")) == ["viable", "viable", ""]
    assert list(cells["Metadata_CellOrigin"]) == ["cellpose", "propagated", "grown"]
    assert list(cells.columns)[-3:] == [
        "Cells_AreaShape_Area",
        "Cells_Intensity_MeanIntensity_V",
        "Nuclei_Intensity_MeanIntensity_P",
    ]
    treated = pd.read_parquet(folder / "cells" / "Time_4hrs_R1_Well_A02.parquet")
    assert set(treated["Metadata_Dose"]) == {1.5} and set(treated["Metadata_cell_line"]) == {"U2OS"}
    assert set(treated["Metadata_QCVerdict"]) == {"drop"} and treated["Metadata_DeathState"].isna().all()


def test_units_survive_and_features_keep_their_values(folder):
    annotate(folder, *everything(folder))
    path = folder / "cells" / "Time_4hrs_R1_Well_A01.parquet"
    assert column_units(path)["Cells_AreaShape_Area"] == "um2"
    before = pd.read_parquet(folder / "m" / path.name)
    pd.testing.assert_series_equal(
        pd.read_parquet(path)["Cells_AreaShape_Area"], before["Cells_AreaShape_Area"]
    )


def test_images_have_a_row_for_every_field_the_empty_one_too(folder):
    annotate(folder, *everything(folder))
    images = pd.read_parquet(folder / "images" / "a.parquet")
    assert list(images["Metadata_Well"]) == ["A01", "A02", "A03"]
    assert list(images["Count_Cells"]) == [3, 2, 0] and list(images["Count_BorderCells"]) == [4, 4, 4]
    assert list(images["Metadata_QCVerdict"]) == ["keep", "drop", "flag"]
    assert list(images["Metadata_Role"]) == ["vehicle", "treated", "treated"]
    assert column_units(folder / "images" / "a.parquet")["ImageQuality_EdgeWidth_V"] == "px"


def test_what_objects_lack_is_counted_in_the_row_of_their_field(folder):
    path = folder / "m" / "Time_4hrs_R1_Well_A01.parquet"
    table = pq.ParquetFile(path).read()
    said = json.dumps(
        {
            table["Metadata_ImageID"][0].as_py(): {
                "Cells without some texture": 2,
                "Nuclei without some radial": 1,
            }
        }
    )
    pq.write_table(table.replace_schema_metadata({LACKING: said}), path)
    annotate(folder, *everything(folder))
    images = pd.read_parquet(folder / "images" / "a.parquet").set_index("Metadata_Well")
    assert images["Count_ObjectsLackingValues"].fillna(0).tolist() == [2, 0, 0]
    assert (
        images["Metadata_LackingValues"]["A01"]
        == "2 Cells without some texture, 1 Nuclei without some radial"
    )
    (check,) = _lacking(images)
    assert check.state == "stop" and check.answer.startswith("2 objects of 5 cells lack some values")
    assert _lacking(images.assign(Count_ObjectsLackingValues=0)) == []


def test_an_empty_well_has_an_empty_table_with_the_columns_of_any_other(folder):
    annotate(folder, *everything(folder))
    empty, full = (
        pd.read_parquet(folder / "cells" / f"Time_4hrs_R1_Well_{w}.parquet") for w in ("A03", "A01")
    )
    assert len(empty) == 0 and list(empty.columns) == list(full.columns)


def test_without_death_qc_and_masks_their_columns_are_absent(folder):
    annotate(folder)
    cells = pd.read_parquet(folder / "cells" / "Time_4hrs_R1_Well_A01.parquet")
    assert not {"Metadata_DeathState", "Metadata_QCVerdict"} & set(cells.columns)
    assert list(pd.read_parquet(folder / "images" / "a.parquet")["Metadata_Well"]) == ["A01", "A02"]


def test_a_well_without_a_row_in_the_plate_map_is_named(folder):
    plate_map(folder / "map.csv", {"A01": WELLS["A01"]})
    done = run(
        "annotate_cells",
        "--measurements",
        folder / "m",
        "--plate_map",
        folder / "map.csv",
        "--cells_out",
        folder / "c",
        "--images_out",
        folder / "i.parquet",
    )
    assert done.returncode == 1 and "no row for well A02" in done.stderr and "Traceback" not in done.stderr


def test_only_the_parts_of_a_table_with_the_keys_are_read_and_keys_in_any_order_are_found(
    tmp_path, monkeypatch
):
    ids = [f"{well}_obj{n}" for well in ("A01", "A02", "B01") for n in range(1, 12)]
    table = pa.table({"id": ids, "state": [f"of {one}" for one in ids]})
    pq.write_table(table.slice(0, 22), tmp_path / "a.parquet", row_group_size=11)
    pq.write_table(table.slice(22).take(list(range(10, -1, -1))), tmp_path / "b.parquet", row_group_size=4)
    files = [tmp_path / "a.parquet", tmp_path / "b.parquet"]
    lookup = Lookup(files, "id", "state", "death")
    read = []
    one = pq.ParquetFile.read_row_group
    monkeypatch.setattr(
        pq.ParquetFile,
        "read_row_group",
        lambda self, group, **more: read.append(group) or one(self, group, **more),
    )
    asked = pa.array(["A02_obj3", "A02_obj99", "A02_obj10"])
    assert lookup.of(asked).to_pylist() == ["of A02_obj3", None, "of A02_obj10"]
    assert read == [1]
    assert lookup.of(pa.array(["B01_obj11", "A01_obj1"])).to_pylist() == ["of B01_obj11", "of A01_obj1"]
    assert lookup.of(pa.array([], pa.string())).to_pylist() == []
    with pytest.raises(InputError, match="death: a table with repeated ids; was a file given twice"):
        Lookup([*files, files[0]], "id", "state", "death").of(asked)
