"""Checkpoints from which an interrupted training goes on: whole files, of this very run, or none.

A file is torch's own zip of tensors and plain values, read with ``weights_only=True``. It is written under
another name and renamed. Its folder is named by a digest of all that determines the result, which the file
repeats; what is torn, or of another run, is said and passed over.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from morphodose.deep.rows import KEYS
from morphodose.files import replacing

#: Checkpoints kept: the last, and the one before should the last be torn by a failing disk.
KEEP = 2


def run_digest(
    settings: Mapping[str, Any], rows: Mapping[str, pd.DataFrame], shards: Mapping[str, Path]
) -> str:
    """Digest (24 hex digits) of settings, of cells with their labels, and of names and sizes of shards."""
    digest = hashlib.sha256(json.dumps(dict(settings), sort_keys=True, default=str).encode())
    columns = [KEYS[-1], "Crop_Shard", "Crop_Row", "Label_Dose", "Label_Time"]
    for name, frame in rows.items():
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(pd.util.hash_pandas_object(frame[columns], index=False)).tobytes())
    used = sorted({str(shard) for frame in rows.values() for shard in frame["Crop_Shard"].unique()})
    digest.update(
        json.dumps([(name, shards[name].stat().st_size) for name in used if name in shards]).encode()
    )
    return digest.hexdigest()[:24]


class Checkpoints:
    """The checkpoints of one run.

    Parameters
    ----------
    folder : path
        Where the checkpoints of all runs are, a place that outlives the task.
    digest : str
        Of the run.
    say : callable
        Takes lines for the log.
    """

    def __init__(self, folder: str | Path, digest: str, say: Callable[[str], None]) -> None:
        self.folder, self.digest, self.say = Path(folder) / digest, digest, say

    def save(self, epoch: int, batch: int, state: Mapping[str, Any]) -> None:
        """Write the state before a batch of an epoch; older files but `KEEP` go.

        A disk that is full, or a folder that cannot be written, is said; the training goes on.
        """
        path = self.folder / f"epoch{epoch:05d}_batch{batch:07d}.pt"
        try:
            with replacing(path) as temporary:
                torch.save({**state, "digest": self.digest, "epoch": epoch, "batch": batch}, temporary)
        except (OSError, RuntimeError) as fault:
            self.say(f"{path}: not written, the training goes on without it ({fault})")
            return
        for old in self._files()[KEEP:]:
            old.unlink(missing_ok=True)

    def load(self) -> dict[str, Any] | None:
        """The last whole checkpoint of this run, on the CPU, or None."""
        for path in self._files():
            try:
                state = torch.load(path, map_location="cpu", weights_only=True)
            # a torn zip, a foreign format or a file that is gone raise many kinds of error; all mean this
            except Exception as fault:
                self.say(f"{path}: passed over, not a whole checkpoint ({type(fault).__name__})")
                continue
            if not isinstance(state, dict) or state.get("digest") != self.digest:
                self.say(f"{path}: passed over, a checkpoint of another run")
                continue
            return state
        return None

    def clear(self) -> None:
        """Delete the checkpoints of this run, once its results are written."""
        try:
            shutil.rmtree(self.folder)
        except FileNotFoundError:
            pass  # none was written
        except OSError as fault:
            self.say(f"{self.folder}: the results are written, but the checkpoints stay ({fault})")

    def _files(self) -> list[Path]:
        """Checkpoints, the last first."""
        return sorted(self.folder.glob("epoch*_batch*.pt"), reverse=True)
