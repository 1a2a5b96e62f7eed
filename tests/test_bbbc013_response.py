"""The response of a real plate, from an analysis of its own: Otsu nuclei and a ring around them."""

import csv

import numpy as np
import pandas as pd
import pytest
import tifffile
from scipy import ndimage
from skimage.filters import gaussian, threshold_otsu
from skimage.segmentation import expand_labels

from morphodose.responses.fit import respond
from morphodose.responses.gathering import gather
from morphodose.responses.select import check_wells
from morphodose.responses.zprime import zprime_table

ROLES = {"negative": "vehicle", "dose": "treated", "positive": "positive"}


def translocation(folder, well):
    """Median over cells of the GFP in the nucleus over that in a ring around it, and the cells."""
    name = f"{(ord(well[0]) - 65) * 12 + int(well[1:]):02d}-{well[0]}-{well[1:]}.tif"
    gfp = tifffile.imread(folder / f"Channel1-{name}").astype(float)
    dna = gaussian(tifffile.imread(folder / f"Channel2-{name}").astype(float), 1.5)
    nuclei, _ = ndimage.label(dna > threshold_otsu(dna))
    sizes = np.bincount(nuclei.ravel())
    labels = np.flatnonzero((sizes > 60) & (sizes < 800))
    labels = labels[labels > 0]
    ring = np.where(expand_labels(nuclei, 2) > 0, 0, expand_labels(nuclei, 8))
    inside, around = ndimage.mean(gfp, nuclei, labels), ndimage.mean(gfp, ring, labels)
    ratio = inside / np.where(around > 0, around, np.nan)
    return float(np.nanmedian(ratio)), len(labels)


@pytest.fixture(scope="module")
def table(shared_data):
    folder = shared_data / "bbbc013"
    with open(folder / "platemap.csv", newline="", encoding="utf-8") as file:
        # two replicates of each drug
        rows = [row for row in csv.DictReader(file) if row["row"] in "ABEF" and row["role"] in ROLES]
    found = []
    for row in rows:
        value, cells = translocation(folder, row["well"])
        found.append(
            {
                "Metadata_Plate": "P",
                "Metadata_Timepoint": 1.0,
                "Metadata_Replicate": "1",
                "Metadata_Well": row["well"],
                "Metadata_Compound": row["compound"],
                "Metadata_Dose": float(row["dose"]),
                "Metadata_DoseUnit": row["unit"],
                "Metadata_Role": ROLES[row["role"]],
                "Count_Cells": cells,
                "Endpoint_Translocation": value,
            }
        )
    return check_wells(pd.DataFrame(found), "wells")


@pytest.mark.parametrize(("compound", "expected"), [("Wortmannin", 12.0), ("LY294002", 5.0)])
def test_both_drugs_are_fitted_and_agree_with_the_known_ec50(table, compound, expected):
    rows, _, _ = respond(gather(table, ["Endpoint_Translocation"]))
    row = next(row for row in rows if row["Metadata_Compound"] == compound)
    assert row["State"] == "fitted", row["Reason"]
    assert expected / 1.5 < row["EC50"] < expected * 1.5
    assert row["EC50_High"] < 2 * row["EC50_Low"]


def test_the_controls_of_the_first_drug_are_far_apart(table):
    rows = zprime_table(table, ["Endpoint_Translocation"])
    assert next(row["ZPrime"] for row in rows if row["Metadata_Compound"] == "Wortmannin") >= 0.7
