"""Metadata that instruments write beside their images: which files there are, and what one says.

A sidecar says things of channels (name, wavelengths, pixel size), of the plate, and of single files (time,
position on the plate). It never says where the pixels are: names and tags do.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field

from morphodose.reading.harmony import read_harmony
from morphodose.reading.incell import read_xdce
from morphodose.reading.metaxpress import read_htd
from morphodose.reading.ome import BadMetadata
from morphodose.reading.ome_beside import read_ome_beside
from morphodose.reading.said import Sidecar
from morphodose.reading.xmltext import BadXml
from morphodose.reading.yokogawa import read_yokogawa

#: What ends a sidecar's name in small letters → its reader, the best first.
READERS: Mapping[str, Callable[[str], Sidecar]] = {
    "index.idx.xml": read_harmony,
    "index.xml": read_harmony,
    ".idx.xml": read_harmony,
    "measurementdetail.mrf": read_yokogawa,
    ".htd": read_htd,
    ".xdce": read_xdce,
    ".ome.xml": read_ome_beside,
}
#: Sidecars of one ending that are opened; a folder of thousands has one for each image.
_MOST = 20


@dataclass
class Sidecars:
    """The sidecars of one folder of images.

    Attributes
    ----------
    found : list of Sidecar
        Those that belong to the images.
    unread : list of (str, str)
        Path of each that cannot be read, and why.
    """

    found: list[Sidecar] = field(default_factory=list)
    unread: list[tuple[str, str]] = field(default_factory=list)


def find_sidecars(folder: str, files: Iterable[str], images: Collection[str]) -> Sidecars:
    """Read the sidecars in a folder of images, or in the folder that it lies in.

    Parameters
    ----------
    folder : str
        The folder of the images.
    files : iterable of str
        Relative paths of all files in it.
    images : collection of str
        Names of its images, without their folders: a sidecar that names none of them belongs to other images.
    """
    result = Sidecars()
    above = os.path.dirname(os.path.abspath(folder))
    candidates = [os.path.join(folder, path) for path in sorted(files)] + _files_of(above)
    # newer Harmony keeps images/ and index/ side by side
    candidates += [path for name in ("index", "Index") for path in _files_of(os.path.join(above, name))]
    read: set[str] = set()  # Index.idx.xml has two of the endings
    for ending, reader in READERS.items():
        fitting = [path for path in candidates if path.lower().endswith(ending) and path not in read]
        for path in dict.fromkeys(fitting[:_MOST]):
            read.add(path)
            try:
                sidecar = reader(path)
            except (BadXml, BadMetadata, OSError, ValueError, KeyError) as fault:
                result.unread.append((path, str(fault)))
                continue
            if sidecar.belongs(images):
                result.found.append(sidecar)
                break  # of one kind, one is enough
    return result


def _files_of(folder: str) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entry.path for entry in entries if entry.is_file())
    except OSError:  # there is none, or it is not ours to read
        return []
