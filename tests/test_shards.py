"""The plan of the tasks, and how a task names its well-timepoints."""

from __future__ import annotations

import json
from itertools import chain

import pytest

from morphodose.errors import InputError
from morphodose.keys import WellKeys, read_keys
from morphodose.plan import TaskSizes, plan_tasks

#: Seven wells of one acquisition, three of another.
WELLS = {"a": [f"a{well}" for well in range(1, 8)], "b": ["b1", "b2", "b3"]}
KEYS = {"id": "T_Well_A01", "plate": "P", "timepoint_h": 4, "replicate": 1, "acquisition": "T", "well": "A01"}


def test_shards_fill_within_an_acquisition_and_tasks_on_a_gpu_take_whole_ones() -> None:
    plan = plan_tasks(WELLS, TaskSizes(2, 5, 6))
    assert plan.shards == [["a1", "a2"], ["a3", "a4"], ["a5", "a6"], ["a7"], ["b1", "b2"], ["b3"]]
    # two of two wells are within five, a third is not; no task of segmentation has wells of both
    assert plan.segmentation == [
        [["a1", "a2"], ["a3", "a4"]],
        [["a5", "a6"], ["a7"]],
        [["b1", "b2"], ["b3"]],
    ]
    assert plan.embedding == [[["a1", "a2"], ["a3", "a4"], ["a5", "a6"]], [["a7"], ["b1", "b2"], ["b3"]]]


@pytest.mark.parametrize("sizes", [(1, 1, 1), (1, 12, 12), (3, 2, 1), (4, 6, 9), (99, 1, 99)])
def test_each_well_is_in_one_task_of_each_kind(sizes: tuple[int, int, int]) -> None:
    plan = plan_tasks(WELLS, TaskSizes(*sizes))
    everything = [*chain(*WELLS.values())]
    assert [*chain(*plan.shards)] == everything
    for tasks, size in ((plan.segmentation, sizes[1]), (plan.embedding, sizes[2])):
        assert [*chain(*chain(*tasks))] == everything
        assert all(sum(map(len, task)) <= size or len(task) == 1 for task in tasks)


def test_a_well_that_is_added_at_the_end_moves_no_other() -> None:
    before = plan_tasks(WELLS, TaskSizes(2, 4, 4))
    after = plan_tasks({**WELLS, "b": [*WELLS["b"], "b4"]}, TaskSizes(2, 4, 4))
    assert [shard for shard in before.shards if shard not in after.shards] == [["b3"]]


def test_keys_of_a_task_are_a_list_or_one_object_or_a_file_of_them(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    well = WellKeys("T_Well_A01", "P", 4.0, "1", "T", "A01")
    path = tmp_path_factory.mktemp("keys") / "wells.json"
    path.write_text(json.dumps([KEYS]), encoding="utf-8")
    assert (
        read_keys(json.dumps(KEYS)) == read_keys(f" [{json.dumps(KEYS)}]") == read_keys(str(path)) == [well]
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "neither"),
        ("none.json", "neither"),
        ("[1]", "not a list"),
        ("[]", "not a list"),
        ("[{]", "not JSON"),
        ('{"id": "x"}', "lacks plate"),
        (json.dumps({**KEYS, "timepoint_h": "soon"}), "'soon'"),
        (json.dumps({**KEYS, "timepoint_h": "nan"}), "'nan'"),
        (json.dumps([KEYS, KEYS]), "T_Well_A01 twice"),
    ],
)
def test_keys_that_name_no_wells_are_refused(text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        read_keys(text)
