"""Parameters of later steps: every fault is found by the check of the design, and none is made up."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from design_tree import CHANNELS, ROOT, Screen, make_screen, run
from morphodose.design.faults import Faults
from morphodose.design.parameters import SEGMENTED, Analysis
from morphodose.errors import InputError

ROLES = {"cell": "Hoechst", "nuclear": "Hoechst", "brightfield": "Brightfield"}
MAP = "well,compound,dose,dose_unit,role\n"
TWO_COMPOUNDS = MAP + "A01,DMSO,0,uM,vehicle\nA02,Drug,1,uM,treated\nA03,Other,1,uM,treated\n"


@pytest.fixture
def screen(tmp_path: Path) -> Screen:
    return make_screen(tmp_path / "screen")


def found(screen: Screen, roles: dict[str, str] = ROLES, **chosen: object) -> list[tuple[str, str, str]]:
    """(parameter, value, message) of each fault."""
    faults = Faults()
    try:
        screen.judge(analysis=Analysis(**chosen), roles=roles, faults=faults)  # type: ignore[arg-type]
    except InputError:
        assert faults.errors
    return [(fault.file, fault.value, fault.message) for fault in faults.errors]


@pytest.mark.parametrize(
    "chosen",
    [
        {},
        {"features": "all", "projection": "max"},
        {"features": "texture, sizeshape", "projection": "default=mean,Brightfield=plane:2"},
        {"endpoints": "r=Nuclei_Intensity_MeanIntensity_Hoechst/Cytoplasm_Intensity_MeanIntensity_Hoechst"},
        {"deep": True, "split": "replicate", "head": "ordinal"},
        {"cell_method": "cellpose"},
        {"cell_method": "cellpose_completed"},
        {"cell_method": "propagate"},
        {"cell_method": "from_nuclei"},
    ],
)
def test_what_the_later_steps_take_is_no_fault(screen: Screen, chosen: dict[str, object]) -> None:
    assert found(screen, **chosen) == []


def test_unknown_features_are_named_each(screen: Screen) -> None:
    faults = found(screen, features="wrong,intensity,shape")
    assert [(option, value) for option, value, _ in faults] == [
        ("--features", "wrong"),
        ("--features", "shape"),
    ]
    assert "is not one of sizeshape, moments" in faults[0][2]


def test_death_states_need_intensities(screen: Screen) -> None:
    assert found(screen, ROLES | {"late_death": "Hoechst"}, features="intensity") == []
    ((option, value, message),) = found(screen, ROLES | {"late_death": "Hoechst"}, features="texture")
    assert (option, value) == ("--features", "texture")
    assert "lacks intensity, which the death states of --late_death_channel need" in message


def test_a_projection_names_channels_methods_and_planes_that_are_there(screen: Screen) -> None:
    faults = found(screen, projection="default=median,Hoecsht=max,Hoechst=plane:0")
    assert [value for _, value, _ in faults] == ["default=median", "Hoecsht=max", "plane:0"]
    assert "'median' is not one of max, mean" in faults[0][2]
    assert "names channel 'Hoecsht', which is not there" in faults[1][2]
    assert found(screen, projection="Hoechst=plane:7") == [
        ("--projection", "plane:7", "there is no plane z=7 of Hoechst")
    ]
    # brightfield takes its sharpest plane unless it is named
    assert found(screen, projection="plane:7") == [
        ("--projection", "plane:7", "there is no plane z=7 of Hoechst")
    ]


def test_endpoints_have_a_form_and_columns_that_may_be_measured(screen: Screen) -> None:
    given = (
        "1=Cells_AreaShape_Area,a=,b=Cells_AreaShape_Area/,c=Cell_AreaShape_Area,"
        "d=Cells_Intensity_MeanIntensity_GFP,Cells_AreaShape_Area,Cells_AreaShape_Area"
    )
    faults = found(screen, endpoints=given)
    assert {option for option, _, _ in faults} == {"--endpoints"}
    assert [value for _, value, _ in faults] == [
        "1=Cells_AreaShape_Area", "a=", "b=Cells_AreaShape_Area/", "Cells_AreaShape_Area", "c", "d",
    ]  # fmt: skip
    for (_, _, message), words in zip(
        faults, ("'1' is not a name", "not the name of a column", "not the name of a column", "given twice",
                 "begins with none of Cells, Nuclei", "none of the channels Brightfield, Hoechst"), strict=True,
    ):  # fmt: skip
        assert words in message
    nuclear = found(screen, {"cell": "Hoechst"}, endpoints="Nuclei_AreaShape_Area")
    assert "needs a nuclear channel" in nuclear[0][2]
    unmeasured = found(screen, endpoints="Cells_AreaShape_Area", features="intensity")
    assert "needs sizeshape in --features" in unmeasured[0][2]


def test_options_of_the_death_gates_are_read_before_the_first_task(screen: Screen) -> None:
    roles = {**ROLES, "early_death": "Hoechst"}
    good = {"gates": "Hoechst=750,Time_4hrs_R1:Hoechst=5", "death_quantities": "Hoechst=Cells:MaxIntensity"}
    assert found(screen, roles, **good, compensation="estimate") == []
    wrong = {"gates": "PI=7", "death_quantities": "Hoechst=Cells:Much", "compensation": "Hoechst=1"}
    assert [fault[0] for fault in found(screen, roles, **wrong)] == [f"--{name}" for name in wrong]


def test_a_method_of_segmentation_needs_its_channel(screen: Screen) -> None:
    assert found(screen, {"cell": "Hoechst"}, cell_method="from_nuclei") == [
        ("--cell_method", "from_nuclei", "segments the nuclear channel, and none is named")
    ]
    for method, lacking in (("cellpose", 1), ("cellpose_completed", 1), ("propagate", 2)):
        faults = found(screen, {}, cell_method=method)
        assert [option for option, _, _ in faults] == ["--cell_method"] * lacking


def test_methods_that_the_check_knows_are_those_of_segmentation() -> None:
    assert SEGMENTED == pytest.importorskip("morphodose.segmentation.well").NEEDED


def test_doses_of_several_groups_have_no_order(screen: Screen) -> None:
    lines = ("A01,DMSO,0,uM,vehicle,", "A02,Drug,1,uM,treated,A549", "A03,Drug,1,uM,treated,HeLa")
    screen.plate_map.write_text(MAP.replace("role", "role,line") + "\n".join(lines) + "\n")
    ((option, value, message),) = found(screen, deep=True, head="ordinal")
    assert (option, value) == ("--head", "ordinal") and "compounds or groups" in message
    assert found(screen, deep=True, head="ordinal", group_by="none") == []


def test_doses_of_several_compounds_have_no_order(screen: Screen) -> None:
    screen.plate_map.write_text(TWO_COMPOUNDS)
    ((option, value, message),) = found(screen, deep=True, head="ordinal")
    assert (option, value) == ("--head", "ordinal")
    assert message.startswith("label 'dose' has no order (several compounds or groups?)")
    assert found(screen, deep=True, head="softmax") == []
    assert found(screen, deep=False, head="ordinal") == []


def test_a_single_replicate_cannot_be_held_out(tmp_path: Path) -> None:
    screen = make_screen(tmp_path / "screen", reps=1, wells=3)
    assert found(screen, deep=True) == []
    assert found(screen, deep=True, split="replicate") == [
        ("--split", "replicate", "the screen has only replicate '1'")
    ]
    assert found(screen, deep=False, split="replicate", head="ordinal") == []


def test_how_to_learn_is_no_fault_where_nothing_can_be_learned(tmp_path: Path) -> None:
    screen = make_screen(tmp_path / "screen", times=(4,), reps=1, wells=3)
    assert found(screen, deep=True, split="replicate", head="ordinal") == []
    design = screen.judge(analysis=Analysis(deep=True, split="replicate"))
    assert "nothing can be held out" in design.settings["not_learnable"]


def test_a_screen_whose_replicates_share_no_class_is_known_to_teach_nothing(tmp_path: Path) -> None:
    screen = make_screen(tmp_path / "screen", times=(4,), reps=2, wells=3)
    for plane in (tmp_path / "screen" / "4hrs_R1").glob("W000[23]*"):
        plane.unlink()
    for plane in (tmp_path / "screen" / "4hrs_R2").glob("W0001*"):
        plane.unlink()
    design = screen.judge(analysis=Analysis(deep=True), tolerant=True)
    why = design.settings["not_learnable"]
    assert why.startswith("nothing to learn: time is not learned")
    assert "dose vehicle, 1, 10: each has cells in one fold only" in why


def test_all_of_them_come_with_the_faults_of_the_images(screen: Screen, tmp_path: Path) -> None:
    screen.plane(4, 1, 1, 1).unlink()
    screen.plate_map.write_text(TWO_COMPOUNDS)
    result = run(
        "check_design.py", "--samplesheet", screen.sheet, "--plate_map", screen.plate_map,
        "--channels", CHANNELS, "--brightfield_channel", "Brightfield",
        "--out", tmp_path / "out", "--features", "wrong", "--projection", "GFP=max",
        "--endpoints", "1=a", "--deep", "--head", "ordinal", "--cell_method", "cellpose",
    )  # fmt: skip
    assert result.returncode == 1
    assert "the input has 6 faults" in result.stderr
    for line in (
        "--features: value 'wrong': is not one of sizeshape",
        "--projection: value 'GFP=max': names channel 'GFP', which is not there → the channels are Brightfield",
        "--endpoints: value '1=a': '1' is not a name → use letters",
        "--head: value 'ordinal': label 'dose' has no order",
        "--cell_method: value 'cellpose': segments the cell channel, and none is named → name it with",
        "1 plane missing",
    ):
        assert line in result.stderr, line


def test_faults_of_the_parameters_are_told_where_file_names_cannot_be_read(screen: Screen) -> None:
    message = screen.message(
        file_pattern="bbbc013", analysis=Analysis(deep=True, split="replicate", head="ordinal")
    )
    assert "--split" not in message
    screen.plate_map.write_text(TWO_COMPOUNDS)
    message = screen.message(file_pattern="bbbc013", analysis=Analysis(deep=True, head="ordinal"))
    assert "--head: value 'ordinal'" in message


def test_why_nothing_can_be_learned_is_written(tmp_path: Path) -> None:
    screen = make_screen(tmp_path / "screen", times=(4,), reps=1)
    result = run(
        "check_design.py", "--samplesheet", screen.sheet, "--plate_map", screen.plate_map,
        "--channels", CHANNELS, "--brightfield_channel", "Brightfield",
        "--nuclear_channel", "Hoechst", "--cell_method", "from_nuclei", "--out", tmp_path / "out", "--deep", "--split", "replicate",
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    design = json.loads((tmp_path / "out" / "design.json").read_text())
    assert "nothing can be held out" in design["not_learnable"]


def test_the_check_stays_light() -> None:
    heavy = "torch", "cp_measure", "sklearn", "skimage", "scipy", "pandas", "numba"
    script = f"import sys, check_design; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT / "bin", capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
