"""How large a screen is, in the units that the work of the steps grows with."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from morphodose.errors import InputError
from morphodose.evaluation.splits import Unit, folds_of
from morphodose.options.derived import diameters_missing
from morphodose.plan import TaskSizes, plan_tasks

#: Units that the time and the storage of a step grow with.
UNITS = (
    "planes",
    "plane_mpx",
    "field_mpx",
    "channel_mpx",
    "cell_channels",
    "cells",
    "crop_planes",
    "wells",
    "plates",
    "network_gmacs",
)
#: Billions of multiplications and additions of one pass of a 224 px image through a network (torchvision).
GMACS = {"resnet50": 4.09, "resnet18": 1.81}
INPUT_SIZE = 224
#: A step of training (forward, backward, optimiser) in passes forward; measured, 3.2 to 3.5.
TRAINING_PASSES = 3.5
#: Most cells that `align_networks` shows to every network.
ANCHORS = 2000
#: Crops that `explain_crops` sends through a network, forward and back: 8 of each class, of about
#: 14 doses and times.
EXPLAINED = 112


@dataclass(frozen=True)
class Options:
    """The choices of a run that its cost depends on.

    Most are the parameters of the same name; `death`, `crop_channels` (their number), `imagenet` and
    `estimate_diameters` follow from others (`options_of`).
    """

    wells_per_task: int = 1
    segmentation_shard: int = 12
    embedding_shard: int = 12
    illumination: str = "none"
    export: str = ""
    death: bool = True
    deep: bool = True
    crop_channels: int = 1
    split: str = "auto"
    split_folds: int = 0
    controls: str = "all"
    network: str = "resnet50"
    input_size: int = INPUT_SIZE
    epochs: int = 10
    max_training_cells: int = 0
    training_gpus: int = 1
    training_nodes: int = 1
    imagenet: bool = False
    estimate_diameters: bool = False
    use_gpu: bool = False
    cells_per_field: float = 800.0


def options_of(given: Mapping[str, Any]) -> Options:
    """What the parameters of a run, by name, mean for its cost."""
    same = {field.name for field in fields(Options)} & set(given) - {"deep", "crop_channels"}
    cropped = [name for name in (given["crop_channels"] or given["brightfield_channel"]).split(",") if name]
    chosen = {name: given[name] for name in same if given[name] is not None}
    return Options(
        **chosen,
        death=bool(given["early_death_channel"] or given["late_death_channel"]),
        deep=given["deep"] and bool(cropped),
        crop_channels=max(1, len(cropped)),
        imagenet=bool(given["imagenet_weights"]),
        estimate_diameters=diameters_missing(given),
    )


@dataclass(frozen=True)
class ScreenSize:
    """Sizes of a screen.

    Attributes
    ----------
    wells_of : dict of str to int
        Acquisition → its wells.
    fields, planes, channels : int
        Numbers of the whole screen.
    units : tuple of Unit
        Its wells, whatever their timepoints.
    mpx : float
        Megapixels of an image.
    learnable : bool
        Whether a network can be trained and judged (`check_design` says so).
    """

    wells_of: dict[str, int]
    fields: int
    planes: int
    channels: int
    units: tuple[Unit, ...]
    mpx: float
    learnable: bool

    @property
    def wells(self) -> int:
        """Well-timepoints."""
        return sum(self.wells_of.values())


def read_screen(design: str | Path) -> ScreenSize:
    """The sizes in a ``design.json`` of `check_design`.

    Raises
    ------
    InputError
        If it is not such a file.
    """
    try:
        found: dict[str, Any] = json.loads(Path(design).read_text(encoding="utf-8"))
    except (OSError, ValueError) as fault:
        raise InputError(f"{design}: not a design.json of check_design ({fault!r})") from fault
    return size_of(found, str(design))


def size_of(found: Mapping[str, Any], source: str) -> ScreenSize:
    """The sizes in the document of a design; `source` is what messages call it.

    Raises
    ------
    InputError
        If the document is not a design.
    """
    try:
        # <acquisition>_Well_<well>
        places = [name.rpartition("_Well_")[::2] for name in found["well_timepoints"]]
        wells = Counter(acquisition for acquisition, _ in places)
        plates = {a["acquisition"]: (str(a["plate"]), str(a["replicate"])) for a in found["acquisitions"]}
        return ScreenSize(
            wells_of=dict(sorted(wells.items())),
            fields=int(found["fields"]),
            planes=int(found["planes"]),
            channels=len(found["channels"]),
            units=tuple(sorted({Unit(*plates[acquisition], well) for acquisition, well in places})),
            mpx=found["image"]["width"] * found["image"]["height"] / 1e6,
            learnable=not found.get("not_learnable"),
        )
    except (KeyError, TypeError, ValueError) as fault:
        raise InputError(f"{source}: not a design.json of check_design ({fault!r})") from fault


def amounts(screen: ScreenSize, options: Options) -> dict[str, float]:
    """How much there is of each of `UNITS`; the cells are what `options` expects of a field."""
    cells = screen.fields * options.cells_per_field
    return {
        "planes": screen.planes,
        "plane_mpx": screen.planes * screen.mpx,
        "field_mpx": screen.fields * screen.mpx,
        "channel_mpx": screen.fields * screen.channels * screen.mpx,
        "cell_channels": cells * screen.channels,
        "cells": cells,
        "crop_planes": cells * options.crop_channels,
        "wells": screen.wells,
        "plates": len({unit.plate for unit in screen.units}),
        # of one pass of every cell; `repeats` says how many
        "network_gmacs": cells * GMACS[options.network] * (options.input_size / INPUT_SIZE) ** 2,
    }


def folds(screen: ScreenSize, options: Options) -> int:
    """Networks that are trained: one for each fold of `split_cells`."""
    return folds_of(screen.units, options.split, options.split_folds)[1]


def _trained_share(screen: ScreenSize, options: Options, networks: int) -> float:
    """Share of the cells that a network is trained on: those of the other folds, or as many as are wanted."""
    share = (networks - 1) / networks
    most = options.max_training_cells
    return min(share, _share(screen, options, most)) if most else share


def _share(screen: ScreenSize, options: Options, most: int) -> float:
    """Share of the cells that `most` of them are."""
    cells = screen.fields * options.cells_per_field
    return min(1.0, most / cells) if cells else 1.0


def repeats(screen: ScreenSize, options: Options) -> dict[str, tuple[int, float]]:
    """Step → (tasks, how many times the whole screen goes through it), in the order of the run."""
    sizes = TaskSizes(options.wells_per_task, options.segmentation_shard, options.embedding_shard)
    plan = plan_tasks({acquisition: range(wells) for acquisition, wells in screen.wells_of.items()}, sizes)
    wells, acquisitions = len(plan.shards), len(screen.wells_of)
    steps: dict[str, tuple[int, float]] = {"CHECK_DESIGN": (1, 1), "PROJECT_Z": (wells, 1)}
    if options.illumination != "none":
        steps |= {"ESTIMATE_ILLUMINATION": (acquisitions, 1), "APPLY_ILLUMINATION": (wells, 1)}
    steps |= {
        "QC_IMAGES": (wells, 1),
        "STAGE_CELL_WEIGHTS": (1, 0),
        "STAGE_NUCLEAR_WEIGHTS": (1, 0),
        **({"ESTIMATE_DIAMETERS": (1, 1)} if options.estimate_diameters else {}),
        "SEGMENT_CELLS": (len(plan.segmentation), 1),
        "MEASURE_CELLS": (wells, 1),
    }
    if options.death:
        steps["CALL_DEATH"] = (acquisitions, 1)
    steps |= {"ANNOTATE_CELLS": (acquisitions, 1), "PROFILE_WELLS": (1, 1), "FIT_RESPONSES": (1, 1)}
    sets = 1
    if options.deep and screen.learnable:
        trained = folds(screen, options)
        networks = trained + {"none": 0, "one": 2, "all": trained + 1}[options.controls]
        kinds = 3 if options.imagenet else 2
        sets = 3
        steps |= {
            "CROP_CELLS": (wells, 1),
            "SPLIT_CELLS": (1, 1),
            # in each epoch a network learns from cells of the other folds, and is judged on its own
            "TRAIN_RESNET": (
                networks,
                networks
                * options.epochs
                * (TRAINING_PASSES * _trained_share(screen, options, trained) + 1 / trained),
            ),
            "ALIGN_NETWORKS": (1, trained * _share(screen, options, ANCHORS)),
            "EMBED_CELLS": (len(plan.embedding) * kinds, kinds),
            "SCORE_MODELS": (1, 1),
            "EXPLAIN_CROPS": (1, TRAINING_PASSES * _share(screen, options, EXPLAINED)),
        }
    return steps | {
        "REDUCE_FEATURES": (sets, sets),
        "PROFILE_FEATURES": (1, sets),
        "EXPORT_ANNDATA": (1, 1),
        **({"EXPORT_IMAGES": (acquisitions, 1)} if options.export else {}),
        "CHOOSE_FIELDS": (1, 1),
        "REPORT": (1, 1),
    }
