"""Builder of the tables a report reads: a small screen with known curves, or one with a piece missing."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from morphodose.imaging.images import Field, write_field, write_labels
from morphodose.names import acquisition_id
from morphodose.tables import write_table

RATES = Path(__file__).resolve().parents[2] / "assets" / "rates.csv"
DOSES = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
STATES = ("Viable", "EarlyApoptotic", "LateApoptotic", "Necrotic")
#: Column → (value in vehicle, value at full effect, EC50 as a multiple of that of death, spread of wells)
SHAPES = {
    "MedianViable_Cells_AreaShape_Area": (620.0, 380.0, 0.3, 14.0),
    "MedianViable_Cells_AreaShape_FormFactor": (0.72, 0.9, 0.3, 0.012),
    "MedianViable_Nuclei_AreaShape_Area": (155.0, 98.0, 0.5, 4.0),
}

FIELD_COUNTS = (
    "Count_Cells",
    "Count_BorderCells",
    "Count_Nuclei",
    "Count_NucleiInBorderCells",
    "Count_NucleiWithoutCell",
    "Count_CellsWithoutNucleus",
    "Count_MultinucleateCells",
)


def hill(dose: Any, ec50: float, slope: float = 1.6) -> Any:
    """Share of the full effect."""
    with np.errstate(divide="ignore"):
        return 1 / (1 + (ec50 / np.asarray(dose, dtype=float)) ** slope)


@dataclass
class Tables:
    """Settings of the screen, and the folder it is written to."""

    compounds: Sequence[str] = ("Staurosporine",)
    doses: Sequence[float] = DOSES
    times: Sequence[float] = (4, 24, 48)
    replicates: int = 3
    #: Compounds that share a 384-well plate, each in one well per dose, beside the vehicle wells of them all; a
    #: replicate is a copy of the plates. 0: a row of a 96-well plate a compound and replicate.
    per_plate: int = 0
    unit: str = "uM"
    death: bool = True
    seed: int = 3
    shapes: Sequence[str] = tuple(SHAPES)
    #: Share of the nuclei whose cell segmentation misses, by dose; of the others `loss`.
    loss: float = 0.02
    loss_at: dict[float, float] = field(default_factory=dict)
    ec50: dict[float, float] = field(default_factory=lambda: {4: 60.0, 24: 6.0, 48: 1.9})

    def places(self) -> Iterator[tuple[str, int, str, float, str]]:
        """Compound, replicate, well, dose and plate of each well."""
        for number, compound in enumerate(self.compounds):
            for replicate in range(1, self.replicates + 1):
                if self.per_plate:
                    plate, place = divmod(number, self.per_plate)
                    first = place * len(self.doses)
                    spots = [(dose, first + i) for i, dose in enumerate(self.doses)]
                    if place == 0:  # the rest of the plate is vehicle
                        spots = [(0.0, i) for i in range(self.per_plate * len(self.doses), 384)] + spots
                    for dose, spot in spots:
                        yield (
                            compound,
                            replicate,
                            f"{chr(65 + spot // 24)}{spot % 24 + 1:02d}",
                            dose,
                            f"P{plate + 1}",
                        )
                    continue
                plate, line = divmod(number * self.replicates + replicate - 1, 7)
                for column, dose in enumerate((0.0, *self.doses), start=2):
                    yield compound, replicate, f"{'BCDEFGH'[line]}{column:02d}", dose, f"P{plate + 1}"

    def wells(self) -> pd.DataFrame:
        """The table `wells`."""
        chance = np.random.default_rng(self.seed)
        rows = [
            self._well(chance, time, compound, str(replicate), well, dose, plate)
            for time in self.times
            for compound, replicate, well, dose, plate in self.places()
        ]
        frame = pd.DataFrame(rows)
        vehicle = (
            frame[frame["Metadata_Role"] == "vehicle"]
            .groupby("Metadata_Timepoint")["Count_CellsPerField"]
            .mean()
        )
        frame["Relative_CellCount"] = frame["Count_CellsPerField"] / frame["Metadata_Timepoint"].map(vehicle)
        frame["Fraction_Lost"] = 1 - frame["Relative_CellCount"]
        nuclei = frame["Count_NucleiPerField"] / frame["Metadata_Timepoint"].map(
            frame[frame["Metadata_Role"] == "vehicle"]
            .groupby("Metadata_Timepoint")["Count_NucleiPerField"]
            .mean()
        )
        return frame.assign(Relative_NucleiCount=nuclei)

    def _lost(self, well: dict[str, Any]) -> dict[str, int | float]:
        """Counts of a well whose segmentation misses some cells; a generator of its own for each well."""
        chance = np.random.default_rng(
            [self.seed, *map(ord, well["Metadata_Well"]), int(well["Metadata_Timepoint"])]
        )
        true, border = well["Count_Cells"], well["Count_Cells"] // 9
        lost = int(chance.binomial(true, self.loss_at.get(well["Metadata_Dose"], self.loss)))
        cells = true - lost
        several = int(chance.binomial(cells, 0.01))
        return {
            "Count_Cells": cells,
            "Count_CellsPerField": cells / 4,
            "Count_BorderCells": border,
            "Count_Nuclei": cells + several,
            "Count_NucleiInBorderCells": border,
            "Count_NucleiWithoutCell": lost,
            "Count_CellsWithoutNucleus": int(chance.binomial(cells, 0.01)),
            "Count_MultinucleateCells": several,
            "Count_NucleiPerField": (true + several + border) / 4,
        }

    def _well(
        self, chance: Any, time: float, compound: str, replicate: str, well: str, dose: float, plate: str
    ) -> dict[str, Any]:
        ec50 = self.ec50.get(time, 5.0) * (1 + 0.8 * list(self.compounds).index(compound))
        effect = float(hill(dose, ec50)) if dose else 0.0
        dying = np.clip(0.03 + 0.9 * effect + chance.normal(0, 0.012), 0.002, 0.998)
        late = min(time / 60, 0.9)
        cells = int(chance.normal(240 * (1 + time / 60) * (1 - 0.55 * effect * late), 9))
        acquisition = acquisition_id(time, replicate, "" if plate == "P1" else plate)
        row = {
            "Metadata_Plate": plate,
            "Metadata_Timepoint": float(time),
            "Metadata_Replicate": replicate,
            "Metadata_Acquisition": acquisition,
            "Metadata_Well": well,
            "Metadata_Compound": compound if dose else "DMSO",
            "Metadata_Dose": float(dose),
            "Metadata_DoseUnit": self.unit,
            "Metadata_Role": "treated" if dose else "vehicle",
            "Count_Fields": 4,
            "Count_FieldsDropped": 0,
            "Count_Cells": cells,
        }
        row |= self._lost(row)
        if self.death:
            early, late_share, necrotic = (
                np.array([0.62 - 0.5 * late, 0.3 + 0.45 * late, 0.08 + 0.05 * late]) * dying
            )
            for state, value in zip(STATES, (1 - dying, early, late_share, necrotic), strict=True):
                row |= {
                    f"Fraction_{state}": value,
                    f"Fraction_{state}_Low": value * 0.9,
                    f"Fraction_{state}_High": value * 1.1,
                }
            row |= {"Fraction_Dying": dying, "Fraction_Dead": late_share + necrotic}
        for name in self.shapes:
            base, full, factor, spread = SHAPES[name]
            change = float(hill(dose, ec50 * factor)) if dose else 0.0
            row[name] = base + (full - base) * change + chance.normal(0, spread)
        return row

    def conditions(self, wells: pd.DataFrame) -> pd.DataFrame:
        """The table `conditions` for counts and fractions."""
        names = [
            c
            for c in wells
            if c.startswith(
                ("Count_CellsPerField", "Count_NucleiPerField", "Relative_", "Fraction_", "MedianViable_")
            )
            and not c.endswith(("_Low", "_High"))
        ]
        keys = [
            "Metadata_Compound",
            "Metadata_Dose",
            "Metadata_DoseUnit",
            "Metadata_Role",
            "Metadata_Timepoint",
        ]
        long = wells.melt(keys, names, "Endpoint", "Value")
        frame = long.groupby([*keys, "Endpoint"])["Value"].agg(["mean", "std", "count"]).reset_index()
        half = 4.3 * frame["std"] / np.sqrt(frame["count"])
        return frame.assign(Low=frame["mean"] - half, High=frame["mean"] + half).rename(
            columns={"mean": "Mean", "std": "SD", "count": "N_Wells"}
        )

    def endpoints(self) -> dict[str, tuple[float, float, float]]:
        """Endpoint → value without drug, at full effect, EC50 as a multiple of that of death."""
        known = {"Relative_CellCount": (1.0, 0.5, 1.0), **{n: SHAPES[n][:3] for n in self.shapes}}
        return (
            {"Fraction_Dead": (0.01, 0.7, 1.0), "Fraction_Dying": (0.03, 0.93, 1.0), **known}
            if self.death
            else known
        )

    def responses(self) -> pd.DataFrame:
        """The table `responses`: the first timepoint unbounded for death, refused for one shape."""
        rows = []
        for compound in self.compounds:
            for endpoint, (zero, full, factor) in self.endpoints().items():
                for time in self.times:
                    value = (
                        self.ec50.get(time, 5.0) * factor * (1 + 0.8 * list(self.compounds).index(compound))
                    )
                    state = "fitted"
                    if (
                        endpoint in ("Fraction_Dead", "Relative_CellCount")
                        and time == self.times[0]
                        and len(self.times) > 1
                    ):
                        state = "unbounded"
                    if endpoint == "MedianViable_Nuclei_AreaShape_Area" and time == self.times[0]:
                        state = "refused"
                    fitted, curve = state == "fitted", state != "refused"
                    rows.append(
                        {
                            "Metadata_Compound": compound,
                            "Metadata_Timepoint": float(time),
                            "Metadata_DoseUnit": self.unit,
                            "Endpoint": endpoint,
                            "Model": "four-parameter logistic",
                            "State": state,
                            "Reason": {
                                "fitted": "",
                                "unbounded": "no plateau among the doses",
                                "refused": "the wells show no dose effect",
                            }[state],
                            "Layout": None,
                            "EC50": value if fitted else np.nan,
                            "EC50_Low": value * 0.75
                            if fitted
                            else (max(self.doses) * 0.4 if curve else np.nan),
                            "EC50_High": value * 1.35 if fitted else np.nan,
                            "Hill": 1.6 if curve else np.nan,
                            "Hill_Low": 1.2 if curve else np.nan,
                            "Hill_High": np.nan if state == "unbounded" else 2.1 if curve else np.nan,
                            "AtZeroDose": zero if curve else np.nan,
                            "AtInfiniteDose": full if curve else np.nan,
                            "Curve_EC50": value if curve else np.nan,
                            "LackOfFit_P": 0.4 if curve else np.nan,
                            "R2": 0.98 if curve else np.nan,
                            "N_Wells": self.replicates * (len(self.doses) + 1),
                            "N_Doses": len(self.doses) + 1,
                            "Dose_Min": min(self.doses),
                            "Dose_Max": max(self.doses),
                            "ZPrime": 0.62 if fitted else np.nan,
                        }
                    )
        return pd.DataFrame(rows)

    def curves(self, responses: pd.DataFrame) -> pd.DataFrame:
        """The table `curves`, on a grid of 60 doses after dose 0."""
        grid = np.concatenate([[0.0], np.geomspace(min(self.doses), max(self.doses), 60)])
        frames = []
        for row in responses[responses["State"] != "refused"].to_dict("records"):
            fit = row["AtZeroDose"] + (row["AtInfiniteDose"] - row["AtZeroDose"]) * hill(
                grid, row["Curve_EC50"]
            )
            half = 0.05 * abs(row["AtInfiniteDose"] - row["AtZeroDose"])
            keys = {
                k: row[k]
                for k in ("Metadata_Compound", "Metadata_Timepoint", "Metadata_DoseUnit", "Endpoint", "State")
            }
            frames.append(
                pd.DataFrame({**keys, "Dose": grid, "Fit": fit, "Low": fit - half, "High": fit + half})
            )
        return pd.concat(frames, ignore_index=True)

    def onsets(self) -> pd.DataFrame:
        """The table `onsets`: shape one timepoint before death, nothing at the lowest doses."""
        kinds = {
            "Fraction_Dying": "death",
            "Relative_CellCount": "count",
            **dict.fromkeys(self.shapes, "shape"),
        }
        rows = []
        for compound in self.compounds:
            for place, dose in enumerate(self.doses):
                for endpoint, kind in kinds.items():
                    first = len(self.times) - 1 - (place - 1) // 2 + (kind != "shape")
                    changed = place >= 1 and first < len(self.times)
                    index = max(first, 0)
                    rows.append(
                        {
                            "Metadata_Compound": compound,
                            "Metadata_Dose": float(dose),
                            "Metadata_DoseUnit": self.unit,
                            "Endpoint": endpoint,
                            "Kind": kind,
                            "State": "changed" if changed else ("undetermined" if place == 1 else "not_seen"),
                            "Onset_h": float(self.times[index]) if changed else np.nan,
                            "After_h": (float(self.times[index - 1]) if index else 0.0)
                            if changed
                            else np.nan,
                            "Direction": ("up" if kind == "death" else "down") if changed else None,
                            "P": 0.001 if changed else 0.5,
                            "Reason": "",
                        }
                    )
        return pd.DataFrame(rows)

    def orders(self, onsets: pd.DataFrame) -> pd.DataFrame:
        """The table `orders`, from the onsets."""
        rows = []
        for (compound, dose), mine in onsets.groupby(["Metadata_Compound", "Metadata_Dose"]):
            shape = mine.loc[mine["Kind"] == "shape", "Onset_h"].min()
            death = mine.loc[mine["Kind"] == "death", "Onset_h"].min()
            answer = (
                "neither"
                if np.isnan(shape) and np.isnan(death)
                else "yes"
                if np.isnan(death) or shape < death
                else "no"
            )
            rows.append(
                {
                    "Metadata_Compound": compound,
                    "Metadata_Dose": dose,
                    "Metadata_DoseUnit": self.unit,
                    "ShapeOnset_h": shape,
                    "ShapeEndpoint": None if np.isnan(shape) else next(iter(self.shapes)),
                    "DeathOnset_h": death,
                    "Dying_Excess": np.nan if np.isnan(shape) else 0.01,
                    "Dying_ExcessLow": np.nan if np.isnan(shape) else -0.02,
                    "Dying_ExcessHigh": np.nan if np.isnan(shape) else 0.04,
                    "MorphologyFirst": answer,
                    "Reason": "",
                }
            )
        return pd.DataFrame(rows)

    def images(self, wells: pd.DataFrame) -> pd.DataFrame:
        """The table `images`: a field in fifty flagged, one dropped."""
        chance = np.random.default_rng(self.seed + 1)
        rows = []
        for well in wells.to_dict("records"):
            for number in range(1, 5):
                image = f"{well['Metadata_Acquisition']}_Well_{well['Metadata_Well']}_Field_{number}"
                keys = {k: well[k] for k in well if k.startswith("Metadata_")}
                row = {
                    **keys,
                    "Metadata_Field": number,
                    "Metadata_ImageID": image,
                    "Metadata_QCVerdict": "keep",
                    "Metadata_QCReason": "",
                }
                for channel in ("Hoechst", "CellMask"):
                    row[f"ImageQuality_PowerLogLogSlope_{channel}"] = chance.normal(-1.9, 0.1)
                    row[f"ImageQuality_PercentMaximal_{channel}"] = abs(chance.normal(0, 0.02))
                counts = [name for name in well if name in FIELD_COUNTS]
                rows.append({**row, **{name: int(well[name] / 4) for name in counts}})
        frame = pd.DataFrame(rows)
        flagged = frame.index[::50]
        frame.loc[flagged, ["Metadata_QCVerdict", "Metadata_QCReason"]] = [
            "flag",
            "Hoechst is softer than its neighbours",
        ]
        frame.loc[frame.index[7], ["Metadata_QCVerdict", "Metadata_QCReason"]] = [
            "drop",
            "CellMask is out of focus",
        ]
        return frame

    def focus(self, images: pd.DataFrame, planes: int = 3) -> pd.DataFrame:
        """The focus table: the middle plane is the sharpest, in one stack of forty the first."""
        rows = []
        for place, image in enumerate(images.to_dict("records")):
            keys = {
                k: image[k]
                for k in (
                    "Metadata_Plate",
                    "Metadata_Timepoint",
                    "Metadata_Replicate",
                    "Metadata_Acquisition",
                    "Metadata_Well",
                    "Metadata_Field",
                    "Metadata_ImageID",
                )
            }
            best = 1 if place % 40 == 0 else (planes + 1) // 2
            for channel in ("Brightfield", "Hoechst", "CellMask"):
                for z in range(1, planes + 1):
                    chosen = z == best if channel == "Brightfield" else True
                    rows.append(
                        {
                            **keys,
                            "Channel": channel,
                            "Projection": "best_focus:2" if channel == "Brightfield" else "max",
                            "Z": z,
                            "Focus": 1.0 / (1 + abs(z - best)),
                            "Chosen": chosen,
                            "Peak": z == best,
                            "EdgeWarning": best in (1, planes) and planes > 1,
                        }
                    )
        return pd.DataFrame(rows)

    def gates(self, wells: pd.DataFrame) -> pd.DataFrame:
        """The table `gates`, two stains an acquisition."""
        keys = ["Metadata_Plate", "Metadata_Timepoint", "Metadata_Replicate", "Metadata_Acquisition"]
        rows = []
        for row in wells[keys].drop_duplicates().to_dict("records"):
            for stain, channel in (("early", "AnnexinV"), ("late", "PI")):
                rows.append(
                    {
                        **row,
                        "Stain": stain,
                        "Channel": channel,
                        "Column": f"Cells_Intensity_MeanIntensity_{channel}",
                        "Threshold": 412.0,
                        "Centre": 180.0,
                        "Spread": 40.0,
                        "Method": "valley",
                        "Count_VehicleCells": 960,
                        "Count_PositiveCells": 0,
                        "Fraction_VehiclePositive": 0.021,
                        "Reason": "",
                    }
                )
        return pd.DataFrame(rows)

    def write(self, folder: Path, *, leave_out: Sequence[str] = (), overlays: bool = True) -> list[str]:
        """Write all tables and pictures into a folder.

        Returns
        -------
        list of str
            Arguments of `report.py` (without ``--out``); those of `leave_out` are neither written nor named.
        """
        folder.mkdir(parents=True, exist_ok=True)
        wells = self.wells()
        responses, onsets, images = self.responses(), self.onsets(), self.images(wells)
        tables = {
            "wells": wells,
            "conditions": self.conditions(wells),
            "responses": responses,
            "curves": self.curves(responses),
            "onsets": onsets,
            "orders": self.orders(onsets),
            "images": images,
            "focus": self.focus(images),
            "faults": pd.DataFrame([FAULT]),
        }
        if self.death:
            tables["gates"] = self.gates(wells)
        units = {name: "um2" for name in SHAPES if name.endswith("_Area")}
        arguments = []
        for name, table in tables.items():
            if name not in leave_out:
                write_table(table, folder / f"{name}.parquet", units)
                arguments += [f"--{name}", str(folder / f"{name}.parquet")]
        documents = {"design": self._design(wells), "run": self._run(), "versions": "\n".join(VERSIONS)}
        for name, content in documents.items():
            if name not in leave_out:
                (folder / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
                arguments += [f"--{name}", str(folder / f"{name}.json")]
        if overlays:
            _pictures(folder, wells)
            _fields(folder / "projected", folder / "masks", wells)
            arguments += ["--focus", str(folder / "projected")]
            arguments += ["--masks", str(folder / "masks")]
            if self.death:
                arguments += ["--gate_plots", str(folder / "gate_plots")]
        return arguments

    def _design(self, wells: pd.DataFrame) -> dict[str, Any]:
        keys = ["Metadata_Acquisition", "Metadata_Plate", "Metadata_Replicate"]
        taken = wells[keys].drop_duplicates().rename(columns=lambda name: name[9:].lower())
        names = ["Brightfield", "Hoechst", "CellMask", "AnnexinV", "PI"]
        return {
            "channels": [{"number": str(n), "name": name} for n, name in enumerate(names, start=1)],
            "roles": {
                "cell": "CellMask",
                "nuclear": "Hoechst",
                "early_death": "AnnexinV",
                "late_death": "PI",
            },
            "acquisitions": taken.to_dict("records"),
            "well_timepoints": sorted(wells["Metadata_Acquisition"] + "_Well_" + wells["Metadata_Well"]),
            "plate_format": 384 if self.per_plate else 96,
            "fields": 288,
            "planes": 4320,
            "image": {"width": 360, "height": 360, "dtype": "uint16"},
            "excluded": [{"image_id": "Time_4hrs_R1_Well_B03_Field_2", "reason": "unreadable"}],
        }

    def _run(self) -> dict[str, Any]:
        left_out = [
            {"step": "correct_illumination", "reason": "not asked for (--illumination estimate or given)"}
        ]
        if not self.death:
            left_out.append({"step": "call_death", "reason": "the screen has no death marker"})
        return {
            "pipeline": "morphodose",
            "version": "0.1.0",
            "revision": "abc1234",
            "nextflow": "25.10.0",
            "profile": "test",
            "container_engine": None,
            "left_out": left_out,
            "rates": RATES.read_text(encoding="utf-8"),
            "params": {
                "cell_method": "cellpose_completed",
                "cell_model": "morphodose",
                "diameter": 40,
                "cell_channel": "CellMask",
                "nuclear_channel": "Hoechst",
                "early_death_channel": "AnnexinV",
                "late_death_channel": "PI",
            },
        }


def _fields(folder: Path, masks: Path, wells: pd.DataFrame, side: int = 96) -> None:
    """A projected field of each well-timepoint, its discs labelled: their death stain brightens with the dose."""
    chance = np.random.default_rng(0)
    y, x = np.mgrid[0:side, 0:side]
    for well in wells.to_dict("records"):
        planes = chance.normal(100, 4, (5, side, side))
        cells, nuclei = np.zeros((2, side, side), np.uint16)
        for label, centre in enumerate(chance.uniform(8, side - 8, (12, 2)), start=1):
            disc = (y - centre[0]) ** 2 + (x - centre[1]) ** 2
            planes[2] += 400 * (disc < 60)
            planes[1] += 600 * (disc < 16)
            planes[4] += 900 * well.get("Fraction_Dying", 0) * (disc < 16)
            cells[(disc < 60) & (cells == 0)] = label
            nuclei[(disc < 16) & (cells == label)] = label
        name = f"{well['Metadata_Acquisition']}_Well_{well['Metadata_Well']}"
        image = f"{name}_Field_1"
        for kind, labels in (("cells", cells), ("nuclei", nuclei)):
            write_labels(masks / name / f"{image}_{kind}.tif", labels)
        channels = ("Brightfield", "Hoechst", "CellMask", "AnnexinV", "PI")
        write_field(folder / f"{image}.ome.tiff", Field(planes.astype(np.uint16), channels, 0.65))


FAULT = {
    "Severity": "error",
    "File": "4hrs_R1/W0015F0002T0001Z001C2.tif",
    "Row": None,
    "Value": "",
    "Message": "the file ends before its last strip",
    "Fix": "copy it again from the instrument",
}
VERSIONS = (
    '"MORPHODOSE:SEGMENT_CELLS":',
    "    python: 3.11.7",
    "    cellpose: 3.1.1.3",
    '"MORPHODOSE:MEASURE_CELLS":',
    "    python: 3.11.7",
    "    cp-measure: 0.3.0",
)


def _pictures(folder: Path, wells: pd.DataFrame) -> None:
    """Small pictures in place of overlays and gate plots."""
    from PIL import Image

    for row in wells.to_dict("records"):
        well = f"{row['Metadata_Acquisition']}_Well_{row['Metadata_Well']}"
        place = folder / "masks" / well
        place.mkdir(parents=True, exist_ok=True)
        shade = int(200 / (1 + row["Metadata_Dose"]))
        Image.new("RGB", (120, 120), (40, shade, 90)).save(place / f"{well}_Field_1_overlay.png")
    (folder / "gate_plots").mkdir(exist_ok=True)
    for acquisition in wells["Metadata_Acquisition"].unique():
        Image.new("RGB", (200, 120), (250, 240, 230)).save(folder / "gate_plots" / f"{acquisition}_gates.png")
