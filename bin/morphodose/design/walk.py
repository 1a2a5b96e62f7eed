"""Listing a folder of images as a person would: what is not part of the screen is passed over, and counted.

Recycle bins, snapshots, hidden files, links that are dead or loop, folders without the right to read, and
the work and result folders of a run that was started among the images. The rules are in `passed_over.json`,
which `lib/image_folders.nf` reads, too: both see the same files.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

_RULES = json.loads((Path(__file__).parent / "passed_over.json").read_text(encoding="utf-8"))
_FOLDERS = frozenset(_RULES["folders"])
_WORK, _TASK = re.compile(_RULES["work_has"]), re.compile(_RULES["work_task"])

DEAD_LINK = "a dead link"
#: Files that make a folder an OME-Zarr image or plate (version 3 and 2 of Zarr).
ZARR_MARKS = ("zarr.json", ".zgroup", ".zattrs")


@dataclass
class Listing:
    """Files below a folder, by relative path with ``/``, sorted.

    Attributes
    ----------
    files : list of str
        All files but those passed over.
    zarrs : list of str
        Folders that are one OME-Zarr; ``""`` is the folder itself.
    passed : dict
        Relative path of what was passed over → why.
    """

    files: list[str] = field(default_factory=list)
    zarrs: list[str] = field(default_factory=list)
    passed: dict[str, str] = field(default_factory=dict)


def walk(folder: str) -> Listing:
    """List the files below `folder`; links are followed, each folder is read once.

    Raises
    ------
    OSError
        If `folder` itself cannot be read; what lies below it and cannot is passed over.
    """
    listing = Listing()
    visited: set[tuple[int, int]] = set()
    # folders before links: of a folder and a link to it, the folder is read
    pending, links = [""], list[str]()
    while pending or links:
        below = pending.pop() if pending else links.pop()
        try:
            _read(folder, below, visited, pending, links, listing)
        except OSError as fault:
            if not below:
                raise
            listing.passed[below] = f"a folder that cannot be read ({fault.strerror})"
    listing.files.sort()
    listing.zarrs.sort()
    return listing


def _read(
    folder: str,
    below: str,
    visited: set[tuple[int, int]],
    pending: list[str],
    links: list[str],
    listing: Listing,
) -> None:
    place = os.path.join(folder, below)
    status = os.stat(place)
    if (status.st_dev, status.st_ino) in visited:
        listing.passed[below] = "a link to a folder that was read already"
        return
    visited.add((status.st_dev, status.st_ino))
    with os.scandir(place) as scanned:
        entries = sorted(scanned, key=lambda entry: entry.name, reverse=True)
    names = {entry.name for entry in entries}
    if names.intersection(ZARR_MARKS):
        listing.zarrs.append(below)
        return
    if below and (reason := _of_a_run(place, names)):
        listing.passed[below] = reason
        return
    for entry in entries:
        path = f"{below}/{entry.name}" if below else entry.name
        if _is_folder(entry):
            if reason := folder_passed_over(entry.name):
                listing.passed[path] = reason
            else:
                (links if entry.is_symlink() else pending).append(path)
        elif entry.is_symlink() and not os.path.exists(os.path.join(folder, path)):
            listing.passed[path] = DEAD_LINK
        else:
            listing.files.append(path)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def folder_passed_over(name: str) -> str | None:
    """Why a folder of this name holds no images of the screen, or None."""
    if name.lower() in _FOLDERS:
        return "a recycle bin, snapshot or thumbnail folder"
    return "a hidden folder" if name.startswith(_RULES["hidden"]) else None


def _of_a_run(place: str, names: Iterable[str]) -> str | None:
    """Whether a folder is the work folder or the results of a run."""
    names = set(names)
    if _RULES["results_have"] in names and os.path.isdir(os.path.join(place, _RULES["results_have"])):
        return "the results of a run"
    for name in names:
        if _WORK.fullmatch(name):
            inner = os.path.join(place, name)
            if os.path.isdir(inner) and any(_TASK.fullmatch(task) for task in os.listdir(inner)):
                return "the work folder of a run"
    return None
