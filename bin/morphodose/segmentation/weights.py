"""Weight files: what is known of each, how it is found, and the check of its SHA-256.

Staging happens once, in `stage_weights.py`; the tasks that segment read the staged file and never
reach for the network.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import urllib.error
import urllib.request
import zipfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from morphodose.errors import InputError
from morphodose.files import replacing
from morphodose.segmentation.common import SHIPPED


@dataclass(frozen=True)
class Weights:
    """What is known of a weight file.

    Attributes
    ----------
    name : str
        What a user writes after ``--model``.
    file : str
        Its file name; Cellpose's own file names for Cellpose's models.
    origin, licence, training_data : str
        Where it comes from, what it may be used for, what it has seen.
    sha256 : str
        Of the file; empty where it is not known and a user must state it to have it checked.
    parameters : int
        Number of trained values.
    scores : str
        Where the quality was measured, or by whom.
    """

    name: str
    file: str
    origin: str
    licence: str
    training_data: str
    sha256: str = ""
    parameters: int = 0
    scores: str = ""


_CELLPOSE = "Cellpose 3 (Stringer et al. 2021; Pachitariu & Stringer 2022; Stringer & Pachitariu 2025)"
_CELLPOSE_LICENCE = "BSD-3-Clause code; the training images have terms of their own (CC-BY-NC in part)"


def _cellpose(name: str, file: str, data: str) -> Weights:
    """Entry of a model that Cellpose publishes; its hash is not published with it."""
    return Weights(name, file, _CELLPOSE, _CELLPOSE_LICENCE, data, parameters=6_600_845)


#: Cellpose-SAM. Files whose names begin with it are taken for its weights.
SAM = "cpsam"
#: The names under which Cellpose publishes it: the first release, and the default since Cellpose 4.2.
SAM_MODELS = (SAM, "cpsam_v2")

REGISTRY: dict[str, Weights] = {
    SHIPPED: Weights(
        name=SHIPPED,
        file="morphodose.npz",
        origin="trained by assets/models/train.py; card in assets/models/morphodose.md",
        licence="that of this project",
        training_data="simulated plates of this project; nuclei of BBBC038 (CC0, Caicedo 2019); real cells "
        "in fluorescence and phase contrast under MIT, Apache and CC terms, named in its card",
        sha256="8ee0e836f864a295c362a330c70c951fede07179b93c7e7459786402952c30d2",
        parameters=1_654_349,
        scores="assets/models/morphodose.md",
    ),
    "cyto": _cellpose("cyto", "cytotorch_0", "Cellpose data set"),
    "cyto2": _cellpose("cyto2", "cyto2torch_0", "Cellpose data set and images sent in by users"),
    "cyto3": _cellpose("cyto3", "cyto3", "nine data sets, the super-generalist model"),
    "nuclei": _cellpose("nuclei", "nucleitorch_0", "nuclear data sets, BBBC038 among them"),
}
# never downloaded by a task: it is 1.2 GB, and its user has to know what it was trained on
REGISTRY |= {
    name: Weights(
        name=name,
        file=name,
        origin="Cellpose-SAM, Cellpose 4 (Pachitariu, Rariden & Stringer 2025)",
        licence="BSD-3-Clause code; weights trained in part on data for non-commercial use (CC-BY-NC)",
        training_data="the data sets of Cellpose-SAM, non-commercial ones (CC-BY-NC) among them",
    )
    for name in SAM_MODELS
}

#: Folder of the shipped file, beside `bin/`.
SHIPPED_FOLDER = Path(__file__).resolve().parents[3] / "assets" / "models"


def sha256_of(path: str | Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with Path(path).open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def verify(path: str | Path, expected: str, name: str | Path | None = None) -> str:
    """SHA-256 of a file, after comparing it with the expected one; `name` is what to call it.

    Raises
    ------
    InputError
        If they differ.
    """
    found = sha256_of(path)
    wanted = expected.strip().lower()
    if found != wanted:
        raise InputError(
            f"{name or path}: SHA-256 is {found}, expected {wanted}: another file, or a damaged "
            "one. Get it again, or state the hash of the file that you mean (--sha256; of the pipeline, "
            "--cell_model_sha256 and --nuclear_model_sha256)"
        )
    return found


def cellpose_cache() -> Path:
    """Folder in which Cellpose keeps its models on this machine; the rule is Cellpose's own."""
    given = os.environ.get("CELLPOSE_LOCAL_MODELS_PATH")
    return Path(given) if given else Path.home() / ".cellpose" / "models"


def locate(model: str, shipped_folder: Path = SHIPPED_FOLDER) -> Path | None:
    """The file that a name or path stands for, if it is on this machine.

    Raises
    ------
    InputError
        If it is neither a known name nor a file.
    """
    # a file comes first: a task finds the user's file under its own name, which may be that of a model
    if Path(model).is_file():
        return Path(model)
    if model not in REGISTRY:
        raise InputError(f"--model {model!r} is neither a file nor one of {', '.join(REGISTRY)}")
    folder = shipped_folder if model == SHIPPED else cellpose_cache()
    found = folder / REGISTRY[model].file
    if model == SHIPPED and not found.is_file():
        raise InputError(f"{found}: the model that this project ships is missing; restore it with git")
    return found if found.is_file() else None


def stage(
    model: str, out: str | Path, sha256: str | None = None, shipped_folder: Path = SHIPPED_FOLDER
) -> dict[str, object]:
    """Bring the weights of a model into a folder, checked.

    Parameters
    ----------
    model : str
        A name of `REGISTRY`, or a file.
    out : path
        Folder for the file, which keeps its name.
    sha256 : str, optional
        What the file must have; by default the registry's, where that knows it.
    shipped_folder : path
        Where the project's own model is.

    Returns
    -------
    dict
        What is known of the file: ``model`` (as asked for), ``file``, ``bytes``, ``sha256``, ``checked``
        (whether a hash was there to compare with), and the registry's entry.

    Raises
    ------
    InputError
        If the model is not found, cannot be downloaded, or has another SHA-256.
    """
    source = locate(model, shipped_folder)
    known = _known(model)
    name = source.name if source else known.file if known else Path(model).name
    expected = sha256 or (known.sha256 if known else "")
    target = Path(out) / name
    with replacing(target) as temporary:
        if source is None and name in SAM_MODELS:
            raise InputError(
                f"the weights of {name} are not on this machine, and no task downloads them: fetch the file "
                "that Cellpose publishes under this name, and give its path as the model, or put it into "
                f"{cellpose_cache()} (another folder by CELLPOSE_LOCAL_MODELS_PATH). They were trained in "
                "part on data for non-commercial use"
            )
        if source is None:
            _download(name, temporary)
        else:
            shutil.copyfile(source, temporary)
        found = verify(temporary, expected, source or name) if expected else sha256_of(temporary)
    about: dict[str, object] = asdict(known) if known else {"name": name, "origin": "a file of the user"}
    if not known:
        about |= training_of(target)
    return about | {
        "model": Path(model).name,  # a path would say more of the machine than of the model
        "file": name,
        "sha256": found,
        "checked": bool(expected),
        "bytes": target.stat().st_size,
    }


def training_of(path: str | Path) -> dict[str, object]:
    """What a file of train_cells.py says of its training, for the report; nothing of another file."""
    import numpy as np

    try:
        with np.load(path, allow_pickle=False) as archive:
            meta = json.loads(archive["__meta__"].tobytes().decode())
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile):
        return {}  # not a compact file: the loader says what is wrong with it
    named = ("start", "cells", "fields", "held_out", "f1_before", "f1_after", "licence")
    return {name: meta[name] for name in named if name in meta} if "start" in meta else {}


def _known(model: str) -> Weights | None:
    """What is known of a model; of a user's file only, by its name, that it is Cellpose-SAM."""
    if not Path(model).is_file():
        return REGISTRY.get(model)
    if not Path(model).name.startswith(SAM):
        return None
    return replace(
        REGISTRY[SAM], name=Path(model).name, origin="a file of the user, Cellpose-SAM by its name"
    )


def write_about(about: dict[str, object], path: str | Path) -> None:
    """Write what `stage` returned as JSON, for the report."""
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")


def _download(file: str, target: Path) -> None:
    """Download one of Cellpose's published models.

    From the address that Cellpose itself uses, but not by its function: that one switches the check of
    certificates off for the whole process.
    """
    from cellpose import models

    url = f"{models._MODEL_URL}/{file}"
    try:
        with urllib.request.urlopen(url, timeout=60) as reply, target.open("wb") as handle:
            shutil.copyfileobj(reply, handle)
    except (urllib.error.URLError, TimeoutError, OSError) as fault:
        raise InputError(
            f"{url}: cannot be downloaded ({fault}). Without the hub: fetch the file {file} on another "
            f"machine and give its path as the model, put it into {cellpose_cache()}, or use the model "
            f"that this project ships ({SHIPPED})"
        ) from fault
