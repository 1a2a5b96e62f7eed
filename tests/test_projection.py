from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra import numpy as hnp

from morphodose.errors import InputError
from morphodose.imaging.projection import Plane, project, stack_channels
from morphodose.imaging.projection_methods import parse_projection, plane_faults, projection_faults


def planes(stack: np.ndarray, heights: list[int] | None = None) -> list[Plane]:
    heights = heights or list(range(1, len(stack) + 1))
    return [
        Plane(z, f"z{z}.tif", lambda pixels=pixels: pixels) for z, pixels in zip(heights, stack, strict=True)
    ]


STACK = np.arange(4 * 6 * 5, dtype=np.uint16).reshape(4, 6, 5)


@given(hnp.arrays(np.uint16, (3, 4, 5)))
def test_max_and_mean_are_numpys_in_the_depth_of_the_planes(stack: np.ndarray) -> None:
    highest, mean = project(planes(stack), "max"), project(planes(stack), "mean")
    assert highest.pixels.dtype == mean.pixels.dtype == np.uint16
    np.testing.assert_array_equal(highest.pixels, stack.max(axis=0))
    np.testing.assert_array_equal(mean.pixels, np.rint(stack.mean(axis=0, dtype=float)))


def test_mean_of_saturated_planes_does_not_overflow() -> None:
    stack = np.full((6, 3, 3), 65535, dtype=np.uint16)
    assert project(planes(stack), "mean").pixels.min() == 65535


def test_middle_is_the_lower_of_two_middle_planes() -> None:
    found = project(planes(STACK), "middle")
    np.testing.assert_array_equal(found.pixels, STACK[1])
    assert found.used == (False, True, False, False)


def test_a_given_plane_is_found_by_its_z_and_not_by_its_place() -> None:
    found = project(planes(STACK, [5, 2, 11, 10]), "plane:11")
    np.testing.assert_array_equal(found.pixels, STACK[2])
    assert found.z == (2, 5, 10, 11)
    assert found.method == "plane:11"


def test_a_plane_that_is_not_there_is_an_error_that_lists_those_that_are() -> None:
    with pytest.raises(InputError, match=r"no plane z=9; choose from z 1, 2, 3, 4"):
        project(planes(STACK), "plane:9")


def test_best_focus_takes_the_plane_with_most_fine_detail_and_records_its_z() -> None:
    rng = np.random.default_rng(0)
    stack = np.full((5, 40, 40), 1000.0)
    stack[3] += rng.normal(0, 50, (40, 40))
    found = project(planes(stack.astype(np.uint16), [10, 20, 30, 40, 50]), "best_focus")
    np.testing.assert_array_equal(found.pixels, stack[3].astype(np.uint16))
    assert (found.method, found.peak, found.edge_warning) == ("best_focus:40", 40, False)


def test_a_peak_at_the_edge_of_the_stack_is_a_warning_only_from_three_planes_on() -> None:
    rng = np.random.default_rng(0)
    stack = np.full((4, 40, 40), 1000.0)
    stack[3] += rng.normal(0, 50, (40, 40))
    assert project(planes(stack.astype(np.uint16)), "max").edge_warning
    assert not project(planes(stack[2:].astype(np.uint16)), "max").edge_warning


def test_noise_alone_draws_no_edge_warning() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        stack = rng.poisson(400, (6, 64, 64)).astype(np.uint16)
        assert not project(planes(stack), "max").edge_warning


def test_one_plane_is_enough_for_every_method() -> None:
    for method in ("max", "mean", "middle", "best_focus", "plane:1"):
        np.testing.assert_array_equal(project(planes(STACK[:1]), method).pixels, STACK[0])


def test_a_plane_of_another_shape_or_depth_is_named() -> None:
    odd = [*planes(STACK[:2]), Plane(3, "odd.tif", lambda: np.zeros((6, 5), np.uint8))]
    with pytest.raises(InputError, match=r"odd\.tif: \(6, 5\) uint8, but z1\.tif .* uint16"):
        project(odd, "max")
    wide = [*planes(STACK[:2]), Plane(3, "wide.tif", lambda: np.zeros((6, 7), np.uint16))]
    with pytest.raises(InputError, match=r"wide\.tif"):
        project(wide, "max")


def test_a_z_that_occurs_twice_names_both_planes() -> None:
    with pytest.raises(InputError, match=r"z=1 occurs twice: z1\.tif and z1\.tif"):
        project(planes(STACK[:2], [1, 1]), "max")


def test_one_plane_is_in_memory_at_a_time() -> None:
    alive: list[int] = []

    def read(z: int) -> np.ndarray:
        alive.append(z)
        return STACK[z - 1]

    project([Plane(z, str(z), lambda z=z: read(z)) for z in (3, 1, 4, 2)], "max")
    assert alive == [1, 2, 3, 4]


CHANNELS = ["Brightfield", "Hoechst", "PI"]


def test_projection_is_max_but_best_focus_for_brightfield_unless_said_otherwise() -> None:
    assert parse_projection("max", CHANNELS, "Brightfield") == {
        "Brightfield": "best_focus",
        "Hoechst": "max",
        "PI": "max",
    }
    assert parse_projection("default=mean,Brightfield=plane:3", CHANNELS, "Brightfield") == {
        "Brightfield": "plane:3",
        "Hoechst": "mean",
        "PI": "mean",
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("median", "'median' is not one of"),
        ("plane:x", "'plane:x' is not one of"),
        ("Hoecsht=max", "'Hoecsht', which is not there"),
        ("max,mean", "twice"),
    ],
)
def test_a_wrong_projection_is_an_error_with_its_value(text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        parse_projection(text, CHANNELS)


def test_all_faults_of_a_projection_are_found() -> None:
    found = projection_faults("default=medain,Hoecsht=max,PI=max,PI=mean", CHANNELS)
    assert [fault.value for fault in found] == ["default=medain", "Hoecsht=max", "PI=mean"]
    assert projection_faults("default=max,Brightfield=plane:2", CHANNELS) == []


def test_a_plane_is_looked_for_in_the_stack_of_each_channel() -> None:
    methods = {"Brightfield": "plane:3", "Hoechst": "plane:3", "PI": "plane:3", "GFP": "max"}
    heights = {"Brightfield": (1, 2, 3), "Hoechst": (1,), "PI": (1,), "GFP": (1,)}
    (fault,) = plane_faults(methods, heights)
    assert (fault.value, fault.message) == ("plane:3", "there is no plane z=3 of Hoechst, PI")
    assert fault.fix == "choose from z 1"


def test_channels_of_different_shape_do_not_stack() -> None:
    one = project(planes(STACK), "max")
    two = project(planes(STACK[:, :3]), "max")
    with pytest.raises(InputError, match="channel B"):
        stack_channels({"A": one, "B": two})
