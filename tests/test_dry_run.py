"""The estimate before a run, and the rates it is made of."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

import dry_run
from morphodose.cost.estimate import estimate, text
from morphodose.cost.finished import rates_of
from morphodose.cost.rates import UNIT_OF, Rate, measured, read_rates, write_rates
from morphodose.cost.screen import UNITS, Options, ScreenSize, amounts, read_screen, repeats
from morphodose.cost.trace import Step, bytes_of, read_trace, seconds_of, share_of
from morphodose.errors import InputError
from morphodose.evaluation.splits import WELL_FOLDS, Unit, make_split
from morphodose.tables import write_table

ROOT = Path(__file__).resolve().parents[1]
RATES = ROOT / "assets" / "rates.csv"

#: The reference screen: 8 doses, 6 times, 3 replicates, 9 fields, 6 planes, 5 channels of 2,000 x 2,000 px.
REFERENCE = ScreenSize(
    {f"Time_{t}hrs_R{r}": 8 for t in (4, 8, 16, 24, 48, 72) for r in (1, 2, 3)}, 1296, 38880, 5,
    tuple(Unit("P1", replicate, f"A{well:02d}") for replicate in "123" for well in range(1, 9)), 4.0, True,
)  # fmt: skip
RATE = Rate("PROJECT_Z", "cpu", 2.0, "plane_mpx", 0.1, 1e5, "a test")


def design(folder: Path, wells: int = 2, **changes: object) -> Path:
    document = {
        "channels": [{"number": 1, "name": "Hoechst"}, {"number": 2, "name": "CellMask"}],
        "acquisitions": [
            {"acquisition": "Time_24hrs_R1", "plate": "P1", "replicate": "1", "timepoint_h": 24}
        ],
        "well_timepoints": [f"Time_24hrs_R1_Well_A{well + 1:02d}" for well in range(wells)],
        "fields": 2 * wells,
        "planes": 8 * wells,
        "image": {"width": 1000, "height": 500, "dtype": "uint16"},
        "not_learnable": "",
        **changes,
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "design.json").write_text(json.dumps(document), encoding="utf-8")
    return folder / "design.json"


TRACE = """task_id\tprocess\tstatus\trealtime\t%cpu\tpeak_rss
2\tMORPHODOSE:PROJECT_Z\tCOMPLETED\t7s\t50.0%\t130 MB
1\tMORPHODOSE:PROJECT_Z\tCACHED\t1m 3s\t100.0%\t90.5 MB
3\tMORPHODOSE:PROJECT_Z\tFAILED\t9h\t100.0%\t1 GB
"""


def test_durations_sizes_and_shares_are_read_as_a_trace_writes_them() -> None:
    assert seconds_of("1h 2m 3.5s") == 3723.5
    assert seconds_of("350ms") == pytest.approx(0.35)
    assert seconds_of("1500") == 1.5
    assert bytes_of("133.5 MB") == 133.5 * 1024**2
    assert bytes_of("-") == 0
    assert (share_of("50.0%"), share_of("-")) == (0.5, 1.0)


def test_a_trace_counts_what_ended_well(tmp_path: Path) -> None:
    (tmp_path / "trace.txt").write_text(TRACE, encoding="utf-8")
    assert read_trace(tmp_path / "trace.txt") == {
        "PROJECT_Z": Step(2, 1, 70.0, pytest.approx(66.5), 130 * 1024**2)
    }
    (tmp_path / "other.txt").write_text("a\tb\n", encoding="utf-8")
    with pytest.raises(InputError, match="no column process, status, realtime, peak_rss"):
        read_trace(tmp_path / "other.txt")


def test_tasks_of_the_reference_screen() -> None:
    steps = repeats(REFERENCE, Options())
    assert REFERENCE.wells == 144
    assert steps["PROJECT_Z"] == steps["MEASURE_CELLS"] == (144, 1)
    assert steps["SEGMENT_CELLS"] == (18, 1)
    assert repeats(REFERENCE, Options(wells_per_task=3))["MEASURE_CELLS"] == (54, 1)
    few = repeats(REFERENCE, Options(max_training_cells=5000, cells_per_field=800))["TRAIN_RESNET"]
    # a step of training takes as long as 3.5 passes; the third that is held out is looked at after each of 10 epochs
    assert few == (7, pytest.approx(7 * 10 * (3.5 * 5000 / (1296 * 800) + 1 / 3)))
    assert steps["CALL_DEATH"] == (18, 1)
    # three replicates are held out in turn, as are permuted labels, and one splits cells at random; each sees two thirds of the cells
    assert steps["TRAIN_RESNET"] == (7, pytest.approx(70 * (3.5 * 2 / 3 + 1 / 3)))
    # shards of twelve wells go across acquisitions, for two kinds of network
    assert steps["EMBED_CELLS"] == (24, 2)
    assert repeats(REFERENCE, Options(estimate_diameters=True))["ESTIMATE_DIAMETERS"] == (1, 1)
    assert "ESTIMATE_DIAMETERS" not in steps
    assert "CALL_DEATH" not in repeats(REFERENCE, Options(death=False))
    assert "TRAIN_RESNET" not in repeats(REFERENCE, Options(deep=False))
    assert set(repeats(REFERENCE, Options(illumination="estimate", estimate_diameters=True))) <= set(UNIT_OF)
    assert set(UNIT_OF.values()) <= set(UNITS) == set(amounts(REFERENCE, Options()))


@pytest.mark.parametrize(
    ("options", "gmacs"),
    [
        (Options(), 4.09),
        (Options(input_size=112), 4.09 / 4),
        (Options(network="resnet18", input_size=448), 1.81 * 4),
    ],
)
def test_networks_take_what_their_size_and_that_of_their_input_say(options: Options, gmacs: float) -> None:
    cells = 1296 * 800
    assert amounts(REFERENCE, options)["network_gmacs"] == pytest.approx(cells * gmacs)
    rates = {
        (name, "cpu"): Rate(name, "cpu", 0, "network_gmacs", 0.01, 0, "a test")
        for name in ("TRAIN_RESNET", "ALIGN_NETWORKS", "EMBED_CELLS", "EXPLAIN_CROPS")
    }
    took = {
        cost.step: cost.core_hours * 3600 for cost in estimate(REFERENCE, options, rates) if cost.core_hours
    }
    assert took["EMBED_CELLS"] == pytest.approx(2 * cells * gmacs * 0.01)
    # 2,000 cells through the network of each of three folds, however many cells there are
    assert took["ALIGN_NETWORKS"] == pytest.approx(3 * 2000 * gmacs * 0.01)
    assert took["EXPLAIN_CROPS"] == pytest.approx(3.5 * 112 * gmacs * 0.01)


#: What the steps of `make demo` took, all tasks, s: benchmarks/RESULTS.md, "Demo plate".
DEMO = {
    "PROJECT_Z": 10.1, "QC_IMAGES": 17.5, "SEGMENT_CELLS": 71.5, "MEASURE_CELLS": 20.1, "CROP_CELLS": 6.4,
    "CALL_DEATH": 14.9, "ANNOTATE_CELLS": 14.6, "PROFILE_WELLS": 9.6, "REDUCE_FEATURES": 39.0,
    "TRAIN_RESNET": 83.0, "FIT_RESPONSES": 4.0, "ALIGN_NETWORKS": 17.4, "EMBED_CELLS": 23.8,
    "PROFILE_FEATURES": 11.9, "EXPLAIN_CROPS": 11.9, "SCORE_MODELS": 19.4, "EXPORT_ANNDATA": 7.7,
    "REPORT": 19.1,
}  # fmt: skip


def test_the_forecast_of_the_demo_is_what_it_took_by_a_factor_of_two_at_most() -> None:
    screen = ScreenSize(
        {f"Time_{t}hrs_R{r}": 8 for t in (4, 24) for r in (1, 2, 3)}, 48, 720, 5,
        tuple(Unit("P1", replicate, f"A{well:02d}") for replicate in "123" for well in range(1, 9)),
        0.36**2, True,
    )  # fmt: skip
    options = Options(
        wells_per_task=8, segmentation_shard=8, embedding_shard=48, controls="one", input_size=32, epochs=2,
        max_training_cells=160, cells_per_field=1417 / 48,
    )  # fmt: skip
    costs = {cost.step: cost.core_hours for cost in estimate(screen, options, read_rates(RATES))}
    foretold = {step: (costs[step] or 0) * 3600 for step in DEMO}
    assert sum(foretold.values()) == pytest.approx(sum(DEMO.values()), rel=0.25)
    assert not {step: took for step, took in DEMO.items() if not 0.5 < foretold[step] / took < 2}


def several_plates(folder: Path, replicates: str = "12") -> Path:
    """A design of two plates, each with wells of all the replicates, at two times."""
    places = [(plate, t, r) for plate in ("P1", "P2") for t in (4, 24) for r in replicates]
    return design(
        folder,
        acquisitions=[
            {"acquisition": f"{plate}_Time_{t}hrs_R{r}", "plate": plate, "replicate": r, "timepoint_h": t}
            for plate, t, r in places
        ],
        well_timepoints=[f"{plate}_Time_{t}hrs_R{r}_Well_A0{w}" for plate, t, r in places for w in (1, 2, 3)],
    )


@pytest.mark.parametrize("split", ["auto", "replicate", "wells"])
@pytest.mark.parametrize("folds", [0, 2, 4, 50])
def test_as_many_networks_as_split_cells_makes_folds(tmp_path: Path, split: str, folds: int) -> None:
    """A replicate on several plates is one; wells are counted whatever their timepoints."""
    screen = read_screen(several_plates(tmp_path, "123"))
    assert len(screen.units) == 2 * 3 * 3
    made = make_split(screen.units, dict.fromkeys(screen.units, "all alike"), split, folds)
    planned = repeats(screen, Options(split=split, split_folds=folds, controls="none"))
    assert planned["TRAIN_RESNET"][0] == len(made.names)


def test_a_split_that_split_cells_refuses_is_refused_before_the_run(tmp_path: Path) -> None:
    path = several_plates(tmp_path / "design", "1")
    given = [
        "--design",
        str(path),
        "--rates",
        str(RATES),
        "--deep",
        "--brightfield_channel",
        "Brightfield",
        "--split",
    ]
    refused = CliRunner().invoke(dry_run.main, [*given, "replicate"])
    assert refused.exit_code != 0
    assert "only replicate '1'; use --split wells" in refused.output
    by_wells = CliRunner().invoke(dry_run.main, [*given, "wells", "--controls", "none"])
    assert by_wells.exit_code == 0, by_wells.output
    assert re.search(rf"^TRAIN_RESNET +{WELL_FOLDS} ", by_wells.output, flags=re.MULTILINE)


def test_a_screen_that_cannot_be_learnt_trains_nothing(tmp_path: Path) -> None:
    screen = read_screen(design(tmp_path, not_learnable="there is one dose"))
    assert not screen.learnable
    assert "TRAIN_RESNET" not in repeats(screen, Options())
    assert repeats(screen, Options())["REDUCE_FEATURES"] == (1, 1)


def test_cost_is_start_and_work_and_what_is_not_known_is_not_guessed(tmp_path: Path) -> None:
    screen = read_screen(design(tmp_path))
    options = Options(deep=False)
    costs = {cost.step: cost for cost in estimate(screen, options, {("PROJECT_Z", "cpu"): RATE})}
    project = costs["PROJECT_Z"]
    assert project.tasks == 2
    # 16 planes of half a megapixel become 4 fields of 2 channels
    assert project.core_hours == pytest.approx((2 * 2.0 + 16 * 0.5 * 0.1) / 3600)
    assert project.gigabytes == pytest.approx(4 * 2 * 0.5 * 1e5 / 1e9)
    assert costs["MEASURE_CELLS"].core_hours is None
    said = text(screen, options, list(costs.values()))
    assert "Not in the sums, for no rate on CPUs was measured: CHECK_DESIGN, QC_IMAGES" in said
    assert "Nothing of the screen was processed." in said


def test_a_gpu_step_counts_gpu_hours_and_the_cores_it_holds(tmp_path: Path) -> None:
    screen = read_screen(design(tmp_path))
    rates = {
        ("SEGMENT_CELLS", "gpu"): Rate("SEGMENT_CELLS", "gpu", 10, "field_mpx", 5, 0, "a GPU"),
        ("SEGMENT_CELLS", "cpu"): Rate("SEGMENT_CELLS", "cpu", 10, "field_mpx", 50, 0, "a CPU"),
    }
    for use_gpu, hours, held in ((True, 20 / 3600, 4), (False, 110 / 3600, 1)):
        costs = estimate(screen, Options(use_gpu=use_gpu, deep=False), rates, cores=4)
        (segment,) = (cost for cost in costs if cost.step == "SEGMENT_CELLS")
        assert segment.core_hours == pytest.approx(held * hours)
        assert segment.gpu_hours == (pytest.approx(hours) if use_gpu else 0)


def test_without_rates_for_a_gpu_its_hours_are_unknown_and_not_nothing(tmp_path: Path) -> None:
    screen = read_screen(design(tmp_path))
    rates = read_rates(RATES)
    on_cpus = {key: rate for key, rate in rates.items() if key[1] == "cpu"}
    options = Options(use_gpu=True, deep=False)
    costs = estimate(screen, options, on_cpus)
    said = text(screen, options, costs)
    assert re.search(r"^all +\d+ +>\d+\.\d+ +\? +\d+\.\d+$", said, flags=re.MULTILINE), said
    assert (
        "GPU-hours and core-hours of SEGMENT_CELLS are not known, and not in the sums: no rates for a GPU are "
        "shipped. Run a few wells of the screen with --use_gpu" in said
    )
    # masks are as large wherever they are made
    alone = estimate(screen, Options(deep=False), on_cpus)
    assert [cost.gigabytes for cost in costs] == [cost.gigabytes for cost in alone]
    assert "?" not in text(screen, Options(deep=False), alone)

    measured_once = {
        **on_cpus,
        ("SEGMENT_CELLS", "gpu"): Rate("SEGMENT_CELLS", "gpu", 1, "field_mpx", 1, 0, ""),
    }
    said = text(screen, options, estimate(screen, options, measured_once))
    assert "not known" not in said and "?" not in said


def test_rates_of_a_run_give_its_own_cost_back(tmp_path: Path) -> None:
    screen = read_screen(design(tmp_path))
    options = Options(deep=False)
    known = {("PROJECT_Z", "cpu"): RATE}
    steps = {"PROJECT_Z": Step(2, 0, seconds=70.0, used=60.0), "OTHER": Step(1, 0, 5.0, 5.0)}
    for billed, seconds in ((True, 70.0), (False, 60.0)):
        found = measured(
            steps, amounts(screen, options), repeats(screen, options), known, "cpu", "now", billed
        )
        assert set(found) == {("PROJECT_Z", "cpu")}
        project = estimate(screen, options, found)[1]
        assert project.core_hours == pytest.approx(seconds / 3600)
        assert project.source == "now"


def test_a_training_on_several_gpus_took_the_hours_of_all() -> None:
    options = Options(use_gpu=True, training_gpus=4, training_nodes=2, controls="none")
    steps = {"TRAIN_RESNET": Step(3, 0, seconds=7200.0, used=100.0)}
    for billed in (True, False):  # a GPU is held whatever its CPUs do
        found = measured(
            steps, amounts(REFERENCE, options), repeats(REFERENCE, options), {}, "gpu", "now", billed,
            {"TRAIN_RESNET": 8},
        )  # fmt: skip
        (training,) = (cost for cost in estimate(REFERENCE, options, found) if cost.step == "TRAIN_RESNET")
        assert training.gpu_hours == pytest.approx(16)


def test_crops_of_more_channels_take_more_room() -> None:
    one, three = (
        next(
            cost.gigabytes
            for cost in estimate(REFERENCE, Options(crop_channels=channels), read_rates(RATES))
            if cost.step == "CROP_CELLS"
        )
        for channels in (1, 3)
    )
    assert one and three == pytest.approx(3 * one)


def test_rates_are_written_and_read_again(tmp_path: Path) -> None:
    write_rates({("PROJECT_Z", "cpu"): RATE}, tmp_path / "rates.csv")
    assert read_rates(tmp_path / "rates.csv") == {("PROJECT_Z", "cpu"): RATE}
    (tmp_path / "bad.csv").write_text("step,device\nPROJECT_Z,cpu\n", encoding="utf-8")
    with pytest.raises(InputError, match="bad.csv, line 2: not a rate"):
        read_rates(tmp_path / "bad.csv")


def test_shipped_rates_are_of_steps_and_units_that_exist() -> None:
    rates = read_rates(RATES)
    assert {step for step, device in rates if device == "cpu"} == set(UNIT_OF)
    for (step, device), rate in rates.items():
        assert rate.unit == UNIT_OF[step]
        assert device in ("cpu", "gpu")
        assert rate.source


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """What a finished run leaves: its design, trace, and tables of 4 fields and 40 cells."""
    folder = tmp_path / "earlier"
    design(folder / "design")
    for name, rows in (("images", 4), ("cells", 40)):
        write_table(pd.DataFrame({"Count": range(rows)}), folder / "tables" / name / "one.parquet")
    (folder / "pipeline_info").mkdir()
    (folder / "pipeline_info" / "trace.txt").write_text(TRACE, encoding="utf-8")
    return folder


def test_an_earlier_run_gives_rates_and_cells(results: Path) -> None:
    rates, per_field = rates_of(results, None, Options(deep=False), {})
    assert per_field == 10
    assert rates["PROJECT_Z", "cpu"].source == "the run in earlier"
    assert ("ESTIMATE_ILLUMINATION", "cpu") not in rates


def test_a_run_that_was_corrected_gives_the_rate_of_it_whatever_is_planned(results: Path) -> None:
    with (results / "pipeline_info" / "trace.txt").open("a", encoding="utf-8") as trace:
        trace.write("4\tMORPHODOSE:ESTIMATE_ILLUMINATION\tCOMPLETED\t8s\t100.0%\t1 GB\n")
    rates, _ = rates_of(results, None, Options(deep=False, illumination="none"), {})
    # 4 fields of 0.5 Mpx in 2 channels
    assert rates["ESTIMATE_ILLUMINATION", "cpu"].seconds_per_unit == pytest.approx(8 / 4)


def test_the_command_prints_the_estimate_and_writes_it_as_json(results: Path, tmp_path: Path) -> None:
    path = design(tmp_path / "design", wells=24)
    options = [
        "--design",
        str(path),
        "--rates",
        str(RATES),
        "--no_deep",
        "--out",
        str(tmp_path / "cost.json"),
    ]
    plain = CliRunner().invoke(dry_run.main, options)
    assert plain.exit_code == 0, plain.output
    assert "24 well-timepoints, 48 fields, 192 planes of 0.50 Mpx; about 38,400 cells" in plain.output
    costs = json.loads((tmp_path / "cost.json").read_text(encoding="utf-8"))
    assert next(cost for cost in costs if cost["step"] == "SEGMENT_CELLS")["tasks"] == 2

    earlier = CliRunner().invoke(dry_run.main, [*options, "--results", str(results)])
    assert earlier.exit_code == 0, earlier.output
    assert "about 480 cells" in earlier.output
    assert "the run in earlier" in earlier.output
