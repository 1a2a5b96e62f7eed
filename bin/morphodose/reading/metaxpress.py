"""MetaXpress (ImageXpress): the ``.HTD`` beside the images of a plate.

Source: the files of MetaXpress 5 and 6. It has no pixel size: each TIFF has (`morphodose.reading.tiff_text`).
"""

from __future__ import annotations

import csv
import os

from morphodose.reading.said import Channel, Sidecar, positive


def read_htd(path: str) -> Sidecar:
    """Read an ``.HTD``: names of the channels, and the size of the plate.

    Raises
    ------
    ValueError
        If it is not one.
    """
    with open(path, "rb") as stream:
        raw = stream.read()
    text = raw.decode("utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig", "replace")
    lines = {
        line[0].strip(): [cell.strip() for cell in line[1:]]
        for line in csv.reader(text.splitlines(), skipinitialspace=True)
        if line
    }
    if "HTSInfoFile" not in lines:
        raise ValueError("is not an HTD of MetaXpress (it does not begin with HTSInfoFile)")
    names = {
        key.removeprefix("WaveName"): cells[0]
        for key, cells in lines.items()
        if key.startswith("WaveName") and cells
    }
    sizes = [positive(lines.get(key, [""])[0]) for key in ("XWells", "YWells")]
    return Sidecar(
        "MetaXpress",
        path,
        {number: Channel(name) for number, name in names.items()},
        plate_format=round(sizes[0] * sizes[1]) if sizes[0] and sizes[1] else None,
        prefix=os.path.splitext(os.path.basename(path))[0],
    )
