"""The images of one folder, with what their names say, and what is passed over."""

from __future__ import annotations

import filecmp
import os
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from morphodose.design.filenames import ARCHIVES, IMAGE_EXTENSIONS, OTHER_IMAGES, Name, NamePattern
from morphodose.design.times import is_date
from morphodose.design.walk import Listing, walk

#: Why files that are not images are passed over; metadata of the instrument are among them.
NO_IMAGE = "not an image by its extension"
ARCHIVE = "an archive"
_PROJECTION = re.compile(r"(?:^|/)projections?/", re.IGNORECASE)
_COPY = re.compile(
    r"(?:copy of |kopie von )?(?P<stem>.*?)(?: ?\(\d+\)|(?: -)? (?:copy|kopie|copie|copia)(?: ?\(?\d+\)?)?|)"
    r"(?P<end>(?:\.ome)?\.\w+)",
    re.IGNORECASE,
)
#: What a run calls its fields, masks, crops, flat fields and exported plates (docs/output.md).
_RESULT = re.compile(
    r"(?:^|[/_])Time_[\d.]+hrs_R[A-Za-z0-9._-]+?(?:_Well_[A-Z]{1,2}\d\d_Field_\d+(?:\.ome\.tiff|_(?:cells|nuclei)\.tif"
    r"|_obj\d+\.tif)|\.ome\.zarr)$|(?:^|/)[^/]+_flat_field/flatfield_[^/]+\.tif$"
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass
class Folder:
    """Images of one folder with their parsed names, and what was not taken, by reason.

    `zarrs` are those of the images that are a folder; `unparsed` are (path, reason).
    """

    named: list[tuple[str, Name]] = field(default_factory=list)
    unparsed: list[tuple[str, str]] = field(default_factory=list)
    ignored: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    zarrs: frozenset[str] = frozenset()


def is_image(name: str) -> bool:
    """Whether a file is an image that is read, by its extension."""
    return name.lower().endswith(IMAGE_EXTENSIONS)


def images_of(listed: Listing) -> list[str]:
    """Images of a listing: files by their extension, and OME-Zarr folders."""
    return sorted([path for path in listed.files if is_image(path)] + listed.zarrs)


def read_folder(folder: str, pattern: NamePattern, listed: Listing | None = None) -> Folder:
    """List a folder and parse the names of its images."""
    listed = walk(folder) if listed is None else listed
    found = Folder(zarrs=frozenset(listed.zarrs))
    for path, reason in listed.passed.items():
        found.ignored[reason].append(path)
    copies = _copies(folder, listed)
    for path in sorted([*listed.files, *listed.zarrs]):
        name = path.rpartition("/")[2]
        if path not in found.zarrs and not is_image(name):
            other = next((end for end in OTHER_IMAGES if name.lower().endswith(end)), "")
            what = f"{other[1:].upper()} image, which is not read" if other else NO_IMAGE
            if name.lower().endswith(ARCHIVES):
                what = ARCHIVE
            found.ignored[what].append(path)
        elif path in copies:
            found.ignored["a copy of a file beside it"].append(path)
        elif name.startswith("."):
            found.ignored["hidden file"].append(path)
        elif why := pattern.ignored(path):
            found.ignored[why].append(path)
        elif _CONTROL.search(path) or not _is_text(path):
            found.unparsed.append((path, "the name has control characters or is not UTF-8"))
        else:
            parsed = pattern.parse(path)
            if isinstance(parsed, str):
                found.unparsed.append((path, parsed))
            else:
                found.named.append((path, parsed))
    if pattern.projections:
        _leave_out_projections(found, pattern.step_0)
    _leave_out_folders_of_projections(found)
    _leave_out_results(found)
    found.named = _needed_only(found.named)
    return found


def _copies(folder: str, listed: Listing) -> set[str]:
    """Images called like a copy of one beside them, such as ``x (1).tif``, that hold the same bytes."""
    files = set(listed.files)
    copies = set()
    for path in listed.files:
        place, _, name = path.rpartition("/")
        match = _COPY.fullmatch(name)
        if match and is_image(name):
            original = f"{place}/{match['stem']}{match['end']}" if place else f"{match['stem']}{match['end']}"
            if (
                original != path
                and original in files
                and _same(os.path.join(folder, path), os.path.join(folder, original))
            ):
                copies.add(path)
    return copies


def _same(path: str, other: str) -> bool:
    try:
        return filecmp.cmp(path, other, shallow=False)
    except OSError:
        return False  # one that cannot be read is judged as an image


def _is_text(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:  # bytes that are not UTF-8 came in as surrogates
        return False
    return True


def _leave_out_folders_of_projections(listed: Folder) -> None:
    """Ignore images in a folder called Projection (CQ1) beside others: the instrument's own projections."""
    inside = {path for path, _ in listed.named if _PROJECTION.search(path)}
    if inside and len(inside) < len(listed.named):
        listed.ignored["projection beside z-steps"] += sorted(inside)
        listed.named = [(path, name) for path, name in listed.named if path not in inside]


def _leave_out_results(listed: Folder) -> None:
    """Ignore fields, masks and crops that a run wrote, by their names, beside other images.

    A whole results folder is passed over by its marks (`morphodose.design.walk`); these are parts of one.
    """
    written = {path for path in _all(listed) if _RESULT.search(path)}
    if written and len(written) < len(_all(listed)):
        listed.ignored["an image that a run wrote"] += sorted(written)
        listed.named = [(path, name) for path, name in listed.named if path not in written]
        listed.unparsed = [(path, reason) for path, reason in listed.unparsed if path not in written]


def _all(listed: Folder) -> list[str]:
    return [path for path, _ in (*listed.named, *listed.unparsed)]


def _leave_out_projections(listed: Folder, step_0: bool) -> None:
    """Ignore images without a z, or of step 0 (`step_0`), where their channel has z-steps: projections.

    Decided for a channel in the whole folder, so that a well whose z-steps are missing is reported instead of
    being taken from its projection. A channel without any z-step keeps its one image as z 1.
    """
    none = (None, 0) if step_0 else (None,)
    stacked = {name.channel for _, name in listed.named if name.z not in none}
    kept = []
    for path, name in listed.named:
        if name.z in none and name.channel in stacked:
            listed.ignored["projection beside z-steps"].append(path)
        else:
            kept.append((path, name))
    listed.named = kept


def _needed_only(named: list[tuple[str, Name]]) -> list[tuple[str, Name]]:
    """Names without what may mean nothing: the text before the well, a date, a word that is not a stain.

    They are a plate, a time and a channel where only they tell two images apart. Otherwise the texts are
    anybody's, and the date that of each image. A word in most wells is a channel where others are stains.
    """
    for key in ("plate", "timepoint", "channel"):
        if key == "channel" and _beside_stains([name for _, name in named]):
            continue
        if any(_doubtful(name, key) for _, name in named):
            without = [_without(name, key) if _doubtful(name, key) else name for _, name in named]
            if len({name[:8] for name in without}) == len(named):
                named = [(path, name) for (path, _), name in zip(named, without, strict=True)]
    return named


def _beside_stains(names: Sequence[Name]) -> bool:
    """Whether some names say a channel for certain, and each word of the others is in most of their wells."""
    wells: dict[str, set[str]] = defaultdict(set)
    for name in names:
        if "channel" in name.doubtful:
            wells[name.channel].add(name.well)
    known = {name.channel for name in names if not {"channel"} & (name.doubtful | name.unsaid)}
    all_of_them = set().union(*wells.values())
    return bool(known) and all(2 * len(found) > len(all_of_them) for found in wells.values())


def _doubtful(name: Name, key: str) -> bool:
    if key == "timepoint":
        return name.timepoint is not None and is_date(name.timepoint)
    return key in name.doubtful


def _without(name: Name, key: str) -> Name:
    if key == "channel":
        return name._replace(channel="1", unsaid=name.unsaid | {"channel"})
    return name._replace(plate=None) if key == "plate" else name._replace(timepoint=None)
