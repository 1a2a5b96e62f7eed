from __future__ import annotations

import pytest

from morphodose.design.channels import check_roles, parse_channels
from morphodose.design.faults import Faults


def test_channels_are_named_by_number_or_in_order() -> None:
    for text in (
        "1:Brightfield,2:Hoechst,03:PI",
        "Brightfield, Hoechst ,PI",
        "1 : Brightfield,2:Hoechst,3: PI,",
    ):
        faults = Faults()
        assert parse_channels(text, faults).names == {"1": "Brightfield", "2": "Hoechst", "3": "PI"}
        assert not faults.found


def test_a_dash_leaves_a_channel_out_and_texts_may_be_numbers() -> None:
    channels = parse_channels("DAPI - DAPI:Hoechst,2:-", Faults())
    assert channels.names == {"DAPI - DAPI": "Hoechst"}
    assert channels.left_out == {"2"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "--channels: names no channel → give it as 1:Brightfield,2:Hoechst"),
        ("1:A,B", "some names have a number and others do not → give each a number"),
        ("1:A,01:B", "channel 1 is named twice"),
        ("1:A,2:A", "two channels are named 'A'"),
        ("1:Annexin V", "value '1:Annexin V': the name of channel 1 is empty, is longer than 80 characters"),
        ("1:", "is empty, is longer than 80 characters"),
        ("1:a/b", "has a character that names of columns and files cannot have"),
    ],
)
def test_a_faulty_list_says_what_and_how(text: str, message: str) -> None:
    faults = Faults()
    parse_channels(text, faults)
    assert message in "\n".join(fault.text() for fault in faults.found)


def test_roles_need_channels_that_exist_and_the_nearest_is_offered() -> None:
    faults = Faults()
    channels = parse_channels("Hoechst,CellMask,PI", faults)
    roles = {"cell": "Cellmask", "nuclear": "Hoechst", "late_death": "", "early_death": None}
    assert check_roles(roles, channels, faults) == {"nuclear": "Hoechst"}
    (fault,) = faults.found
    assert fault.text() == (
        "--cell_channel: value 'Cellmask': is not a channel of --channels → did you mean 'CellMask'? "
        "known: Hoechst, CellMask, PI; if the screen has no such stain, set it to empty: --cell_channel=''"
    )


def test_a_default_role_of_another_screen_is_set_to_empty_and_no_other_stain_is_offered() -> None:
    faults = Faults()
    check_roles({"nuclear": "DAPI", "late_death": "PI"}, parse_channels("DAPI,Actin", faults), faults)
    (fault,) = faults.found
    assert "did you mean" not in fault.fix
    assert fault.fix.endswith("set it to empty: --late_death_channel=''")


def test_early_and_late_death_cannot_be_one_channel() -> None:
    faults = Faults()
    check_roles({"early_death": "PI", "late_death": "PI"}, parse_channels("PI", faults), faults)
    assert "is the same channel as --late_death_channel" in faults.found[0].text()


def test_a_channel_of_the_names_may_have_a_comma_in_quotes() -> None:
    faults = Faults()
    found = parse_channels('"GFP 469,525":GFP,"DAPI 377,447":-,Bright Field:BF', faults)
    assert not faults.found
    assert found.names == {"GFP 469,525": "GFP", "Bright Field": "BF"}
    assert found.left_out == {"DAPI 377,447"}
