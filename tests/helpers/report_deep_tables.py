"""Builder of what the deep half writes, as far as the report shows it: the same screen as `report_tables`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from morphodose.death.states import QUADRANTS
from morphodose.tables import write_table
from report_tables import Tables

#: Model → (share of the way from chance to perfect, for dose; for time).
SKILL = {
    "network": (0.42, 0.55),
    "network_permuted": (0.0, 0.01),
    "network_random_split": (0.66, 0.8),
    "majority": (0.0, 0.0),
    "position": (0.05, 0.02),
    "intensity": (0.2, 0.22),
    "classical_logistic": (0.3, 0.4),
    "classical_boosting": (0.34, 0.44),
    "probe_trained": (0.4, 0.5),
    "probe_untrained": (0.15, 0.2),
    "probe_imagenet": (0.25, 0.3),
}
CLASSICAL = (
    "Cells_AreaShape_Area",
    "Cells_AreaShape_FormFactor",
    "Cells_AreaShape_Eccentricity",
    "Nuclei_AreaShape_Area",
    "Nuclei_Intensity_MeanIntensity_Hoechst",
    "Cells_Intensity_MeanIntensity_AnnexinV",
    "Cells_Intensity_MeanIntensity_PI",
    "Cytoplasm_Texture_Contrast_CellMask_3_00_256",
    "Cells_Granularity_4_CellMask",
    "Cells_RadialDistribution_FracAtD_Hoechst_2of4",
    "Cytoplasm_Correlation_Correlation_Hoechst_CellMask",
    "Cells_Zernike_4_2",
)
BETWEEN = ["Set", "Against", "Score", "Difference", "Low", "High"]


@dataclass
class DeepTables:
    """Settings of the deep half, and the folder it is written to."""

    screen: Tables = field(default_factory=Tables)
    folds: int = 3
    epochs: int = 10
    n_train: int = 40_000
    input_size: int = 224
    claims: dict[str, bool] = field(default_factory=lambda: {"dose": True, "time": True})
    marked: Sequence[str] = ()
    sets: Sequence[str] = ("classical", "deep", "joint")
    lr_range: bool = True
    cells: int = 12
    seed: int = 5

    @property
    def labels(self) -> dict[str, Any]:
        """The document ``labels.json``."""
        doses = [f"{dose:g}" for dose in self.screen.doses]
        several = len(self.screen.compounds) > 1
        if several:
            doses = [f"{name} {dose}" for name in self.screen.compounds for dose in doses]
        values = [0.0, *(list(self.screen.doses) * len(self.screen.compounds))]
        return {
            "dose": {"classes": ["vehicle", *doses], "values": values, "ordinal": not several},
            "time": {
                "classes": [f"{t:g}" for t in self.screen.times],
                "values": list(self.screen.times),
                "ordinal": True,
            },
            "split": "replicate",
            "folds": self.folds,
            "fold_names": [f"replicate {n + 1}" for n in range(self.folds)],
            "n_cells": 60_000,
            "notes": [],
        }

    def trained_labels(self) -> list[str]:
        """``Dose`` and ``Time``, where there are two classes."""
        return [name for name in ("Dose", "Time") if len(self.labels[name.lower()]["classes"]) > 1]

    def leakage(self) -> pd.DataFrame:
        """The leakage table: no leak in the folds, all shared by the split over cells."""
        rows = []
        for split, verdict in (("replicate", "ok"), ("random cells", "contrast only")):
            for fold in range(self.folds):
                shared = verdict != "ok"
                row: dict[str, Any] = {
                    "Split": split,
                    "Fold": fold,
                    "N_Train": self.n_train,
                    "N_Test": 20_000,
                }
                for name, count in (("Fields", 96), ("Wells", 24), ("Replicates", 1)):
                    row |= {f"N_Train{name}": 2 * count, f"N_Test{name}": count}
                    row[f"Shared_{name}"] = count if shared else 0
                rows.append(row | {"Verdict": verdict})
        return pd.DataFrame(rows)

    def scores(self) -> pd.DataFrame:
        """The table `model_scores`."""
        rows = []
        for label in self.trained_labels():
            count = len(self.labels[label.lower()]["classes"])
            for model, skills in SKILL.items():
                skill = skills[label == "Time"]
                chance = 1 / count
                value = chance + (1 - chance) * skill
                metrics = {
                    "accuracy": value + 0.02,
                    "balanced_accuracy": value,
                    "macro_f1": value - 0.03,
                    "mae_steps": (1 - skill) * count / 3,
                    "ece": 0.05 + 0.1 * skill,
                }
                if label == "Time":
                    metrics["mae_hours"] = (1 - skill) * 14
                for metric, figure in metrics.items():
                    half = 0.0 if model == "majority" else 0.035 if figure < 1 else 0.2
                    rows.append(
                        {
                            "Model": model,
                            "Label": label,
                            "Split": "random cells" if model == "network_random_split" else "held-out",
                            "Metric": metric,
                            "Value": figure,
                            "Low": figure - half,
                            "High": figure + half,
                            "N_Wells": 72,
                            "N_Cells": 60_000,
                            "N_Unconverged": 0,
                        }
                    )
        return pd.DataFrame(rows)

    def differences(self, scores: pd.DataFrame) -> pd.DataFrame:
        """The table `model_differences`: the network against each, and the random split against it."""
        rows = []
        values = scores.set_index(["Model", "Label", "Metric"])["Value"]
        for label in self.trained_labels():
            for metric in ("accuracy", "balanced_accuracy", "mae_steps"):
                pairs = [("network", m) for m in SKILL if m not in ("network", "network_random_split")]
                for model, against in [*pairs, ("network_random_split", "network")]:
                    found = values[model, label, metric] - values[against, label, metric]
                    rows.append(
                        {
                            "Model": model,
                            "Against": against,
                            "Label": label,
                            "Metric": metric,
                            "Difference": found,
                            "Low": found - 0.03,
                            "High": found + 0.03,
                        }
                    )
        return pd.DataFrame(rows)

    def confusion(self) -> pd.DataFrame:
        """The table `confusion`: neighbours are taken for one another."""
        rows = []
        for label in self.trained_labels():
            classes = self.labels[label.lower()]["classes"]
            for model, reach in (("network", 0.8), ("classical_boosting", 1.3), ("network_permuted", 50.0)):
                for i, true in enumerate(classes):
                    share = np.exp(-np.abs(np.arange(len(classes)) - i) / reach)
                    for predicted, part in zip(classes, share / share.sum(), strict=True):
                        rows.append((model, label, true, predicted, int(7500 * part), part))
        return pd.DataFrame(rows, columns=["Model", "Label", "True", "Predicted", "Count", "Fraction"])

    def calibration(self) -> pd.DataFrame:
        """The table `calibration`: the network a little too sure."""
        rows = []
        for label in self.trained_labels():
            for model, over in (("network", 0.08), ("classical_boosting", 0.03), ("network_permuted", 0.3)):
                for place in range(10):
                    sure = 0.05 + 0.1 * place
                    right = max(sure - over * sure, 0.0)
                    count = 0 if place == 0 else int(9000 / (1 + abs(place - 5)))
                    rows.append((model, label, place, sure if count else np.nan, right, count))
        return pd.DataFrame(rows, columns=["Model", "Label", "Bin", "Confidence", "Accuracy", "Count"])

    def log(self, kind: str, fold: int) -> pd.DataFrame:
        """The log of one network."""
        chance = np.random.default_rng(fold)
        epoch = np.arange(1, self.epochs + 1)
        learned = {"trained": 0.5, "random_split": 0.75, "permuted": 0.0}[kind]
        course = 1 - np.exp(-epoch / 3)
        return pd.DataFrame(
            {
                "Epoch": epoch,
                "Step": epoch * 100,
                "LR": 3e-5 * np.sin(np.pi * epoch / (self.epochs + 1)),
                "Loss_Train": 2.4 - 1.2 * course + chance.normal(0, 0.02, self.epochs),
                "Loss_HeldOut": 2.4 - 1.5 * learned * course + chance.normal(0, 0.03, self.epochs),
                "Accuracy_Dose_HeldOut": 0.12 + 0.6 * learned * course,
                "Accuracy_Time_HeldOut": 0.33 + 0.6 * learned * course,
                "Seconds": 30.0,
                "ImagesPerSecond": chance.normal(410, 8, self.epochs),
            }
        )

    def coordinates(self, kind: str) -> pd.DataFrame:
        """Cells on two components, dose along the first and time along the second."""
        chance = np.random.default_rng(self.seed)
        frames = []
        for well in self.screen.wells().to_dict("records"):
            keys = {k: v for k, v in well.items() if k.startswith("Metadata_")}
            image = f"{well['Metadata_Acquisition']}_Well_{well['Metadata_Well']}_Field_1"
            keys |= {"Metadata_Field": 1, "Metadata_ImageID": image}
            frame = pd.DataFrame({**keys, "Metadata_ObjectLabel": np.arange(1, self.cells + 1)})
            frame["Metadata_CellID"] = [f"{image}_obj{label}" for label in frame["Metadata_ObjectLabel"]]
            dying = well.get("Fraction_Dying", 0.0)
            states = list(QUADRANTS[:3])
            shares = [1 - dying, dying / 2, dying / 2]
            frame["Metadata_DeathState"] = chance.choice(states, self.cells, p=shares)
            frame[f"{kind}_1"] = chance.normal(np.log10(0.03 + well["Metadata_Dose"]), 0.5, self.cells)
            frame[f"{kind}_2"] = chance.normal(well["Metadata_Timepoint"] / 24, 0.6, self.cells)
            frames.append(frame)
        return pd.concat(frames, ignore_index=True)

    def write_set(self, folder: Path, name: str) -> None:
        """What `reduce_features` writes of a feature set."""
        chance = np.random.default_rng(self.seed + len(name))
        deep = [f"Embedding_{n}" for n in range(0, 2048, 128)]
        features = {"classical": list(CLASSICAL), "deep": deep, "joint": [*CLASSICAL, *deep]}[name]
        ratio = {"classical": 0.3, "deep": 0.2, "joint": 0.24}[name] * 0.7 ** np.arange(12)
        number = np.arange(1, 13)
        explained = {
            "Component": number,
            "Variance": ratio * 40,
            "Ratio": ratio,
            "Cumulative": ratio.cumsum(),
        }
        write_table(pd.DataFrame(explained), folder / "explained_variance.parquet")
        loadings = {
            "Feature": np.tile(np.array(features, dtype=object), 12),
            "Component": np.repeat(number, len(features)),
            "Loading": chance.normal(0, 0.3, 12 * len(features)),
        }
        write_table(pd.DataFrame(loadings), folder / "pca_loadings.parquet")
        out = len(features) // 4
        selected = {
            "Feature": features,
            "Set": ["deep" if feature in deep else "classical" for feature in features],
            "Selected": [i >= out for i in range(len(features))],
            "Reason": ["chi-squared not among the highest" if i < out else "" for i in range(len(features))],
            "Missing": 0.0,
            "Variance": 1.0,
            "Chi2": chance.uniform(1, 900, len(features)),
            "Fill": 0.0,
            "Mean": 0.0,
            "Scale": 1.0,
        }
        write_table(pd.DataFrame(selected), folder / "selected_features.parquet")
        cells = self.coordinates("PC")
        for acquisition, mine in cells.groupby("Metadata_Acquisition"):
            write_table(mine, folder / "pca" / f"{acquisition}.parquet")
        write_table(self.coordinates("UMAP"), folder / "umap.parquet")

    def profiles(self) -> pd.DataFrame:
        """The table `profile_scores`: activity grows with dose and time, the network a little ahead."""
        rows = []
        for compound in self.screen.compounds:
            for place, dose in enumerate(self.screen.doses):
                for when, time in enumerate(self.screen.times):
                    for name, ahead in zip(self.sets, (0.0, 0.08, 0.1), strict=False):
                        for score in ("activity", "reproducibility"):
                            value = min(0.25 + 0.1 * place + 0.12 * when + ahead, 1.0)
                            value -= 0.12 * (score == "reproducibility")
                            row = {"Set": name, "Compound": compound, "Dose": float(dose)}
                            row |= {"DoseUnit": self.screen.unit, "mAP_Normalised": value, "Reason": ""}
                            row |= {"Timepoint": float(time), "Score": score, "mAP": value}
                            row |= {"Low": max(value - 0.12, 0), "High": min(value + 0.12, 1)}
                            p = 0.2 if value < 0.5 else 0.004
                            rows.append(
                                row
                                | {
                                    "P": p,
                                    "Q": min(2 * p, 1),
                                    "N_Wells": self.screen.replicates,
                                    "N_Negatives": 6,
                                }
                            )
        return pd.DataFrame(rows)

    def profile_card(self) -> pd.DataFrame:
        """The table `profile_scorecard`: means of `profiles`."""
        means = (
            self.profiles().groupby(["Set", "Score"], sort=False)["mAP"].agg(["mean", "size"]).reset_index()
        )
        means = means.rename(columns={"mean": "mAP", "size": "N_Conditions"})
        rest = {"mAP_Normalised": means["mAP"], "Fraction_Found": 0.5, "N_Wells": 24, "N_Features": 90}
        return means.assign(Low=means["mAP"] - 0.05, High=means["mAP"] + 0.05, Reason="", **rest)

    def left_out(self) -> pd.DataFrame:
        """The table `wells_left_out`: the first two wells, in each set."""
        wells = self.screen.wells().head(2)
        keys = wells[[name for name in wells if name.startswith("Metadata_")]]
        reasons = ["3 cells, fewer than 5", "4 cells, fewer than 5"]
        return pd.concat([keys.assign(Set=name, Reason=reasons) for name in self.sets], ignore_index=True)

    def gallery(self, folder: Path) -> pd.DataFrame:
        """Pictures in place of crops, and their table."""
        from PIL import Image

        (folder / "gallery").mkdir(parents=True, exist_ok=True)
        chance = np.random.default_rng(self.seed)

        def save(name: str, height: int, width: int) -> None:
            grey = np.linspace(0, chance.integers(60, 200), width).astype(np.uint8)
            Image.fromarray(np.broadcast_to(grey, (height, width))).save(folder / "gallery" / name)

        save("examples.png", 420, 800)
        rows = [("examples.png", "example", "", "", "a, b")]
        for label in self.trained_labels():
            for place, name in enumerate(self.labels[label.lower()]["classes"]):
                file = f"{label.lower()}_{place}.png"
                save(file, 200, 800)
                rows.append((file, "nearest", label, name, "Time_4hrs_R1_Well_B03_Field_1_obj7"))
        return pd.DataFrame(rows, columns=["File", "Kind", "Label", "Class", "CellIDs"])

    def verdict(self) -> dict[str, Any]:
        """The document ``model_verdict.json``."""
        why = {
            True: "above the majority class, position, intensity and permuted labels, intervals apart",
            False: "not above the model on position alone",
        }
        found = {name: {"claim": claim, "why": why[claim]} for name, claim in self.claims.items()}
        return {**found, "marked": list(self.marked), "notes": []}

    def record(self, kind: str, fold: int) -> dict[str, Any]:
        """What is written beside a weight file."""
        return {
            "kind": kind,
            "fold": fold,
            "network": "resnet50",
            "head": "ordinal",
            "preset": "modern",
            "epochs": self.epochs,
            "input_size": self.input_size,
            "n_train": self.n_train,
            "n_held_out": self.n_train // 2,
            "channels": ["Brightfield"],
            "crop_size": 200,
            "batch_size": 64,
            "learning_rate": 0.001,
            "optimizer": "adamw",
            "device": "Some GPU",
            "seed": 0,
        }

    def write(self, folder: Path, *, leave_out: Sequence[str] = ()) -> list[str]:
        """Write all below a folder; files whose name begins with one of `leave_out` are not written.

        Returns
        -------
        list of str
            Arguments of `report.py`.
        """
        folder.mkdir(parents=True, exist_ok=True)

        def wanted(name: str) -> bool:
            return not any(name.startswith(part) for part in leave_out)

        scores = self.scores()
        dropped = [
            ("classical", "Cells_Zernike_4_2", "variance of 0 in vehicle"),
            ("deep", "Embedding_7", ""),
        ]
        tables = {
            "leakage": self.leakage(),
            "model_scores": scores,
            "model_differences": self.differences(scores),
            "confusion": self.confusion(),
            "calibration": self.calibration(),
            "alignment": pd.DataFrame(
                {
                    "Fold": range(self.folds),
                    "R2": [1.0, *[0.5] * (self.folds - 1)],
                    "R2_HeldOut": [1.0, *[0.42] * (self.folds - 1)],
                    "N_Anchors": 400,
                }
            ),
            "profile_scores": self.profiles(),
            "profile_scorecard": self.profile_card(),
            "profile_differences": pd.DataFrame(
                [("deep", "classical", "activity", 0.08, 0.02, 0.13)], columns=BETWEEN
            ),
            "dropped_features": pd.DataFrame(dropped, columns=["Set", "Feature", "Reason"]),
            "wells_left_out": self.left_out(),
        }
        if wanted("gallery"):
            tables["gallery"] = self.gallery(folder)
        for name, table in tables.items():
            if wanted(name):
                write_table(table, folder / f"{name}.parquet")
        for name, content in {"labels": self.labels, "model_verdict": self.verdict()}.items():
            if wanted(name):
                (folder / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
        for kind in ("trained", "permuted", "random_split"):
            for fold in range(self.folds):
                name = f"{kind}_fold{fold}"
                if wanted(name):
                    self.log(kind, fold).to_csv(folder / f"{name}_log.csv", index=False)
                    record = json.dumps(self.record(kind, fold))
                    (folder / f"{name}.json").write_text(record, encoding="utf-8")
        if self.lr_range and wanted("trained_fold0_lr"):
            rate = np.geomspace(1e-7, 1, 80)
            loss = 2.4 - 1.2 / (1 + (3e-5 / rate)) + 60 * rate**1.2
            table = pd.DataFrame({"LR": rate, "Loss": loss})
            write_table(table, folder / "trained_fold0_lr_range.parquet")
        for name in self.sets:
            if wanted(name):
                self.write_set(folder / name, name)
        return ["--further", str(folder)]
