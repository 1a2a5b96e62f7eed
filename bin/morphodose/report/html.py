"""Small pieces of HTML; every text from outside passes `escape`."""

from __future__ import annotations

import base64
import html
import math
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path

_IMAGE_TYPES = {b"\x89PNG": "image/png", b"\xff\xd8\xff": "image/jpeg", b"<?xml": "image/svg+xml"}


class Safe(str):
    """HTML that is already escaped; a table cell of this type goes in as it is."""

    __slots__ = ()


def escape(value: object) -> str:
    """Text of a value, safe inside HTML and inside a quoted attribute."""
    return html.escape(str(value), quote=True)


def cell(value: object) -> str:
    """Text of a table cell; a missing value is a dash, a number has at most four digits that count."""
    if isinstance(value, Safe):
        return value
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return escape(f"{value:.4g}" if isinstance(value, float) else value)


def table(headers: Sequence[str], rows: Iterable[Sequence[object]], caption: str = "") -> str:
    """A table; columns of numbers stand to the right, columns of short texts are not broken."""
    body = [list(row) for row in rows]
    right = [
        all(isinstance(row[i], int | float) and not isinstance(row[i], bool) for row in body) and bool(body)
        for i in range(len(headers))
    ]
    short = [all(len(str(row[i])) <= 18 for row in body) for i in range(len(headers))]
    align = [
        ' class="md-num"' if number else ' class="md-nowrap"' if brief else ""
        for number, brief in zip(right, short, strict=True)
    ]
    head = "".join(
        f'<th scope="col"{style}>{cell(text)}</th>' for text, style in zip(headers, align, strict=True)
    )
    lines = "".join(
        "<tr>" + "".join(f"<td{style}>{cell(v)}</td>" for v, style in zip(row, align, strict=True)) + "</tr>"
        for row in body
    )
    title = f"<caption>{escape(caption)}</caption>" if caption else ""
    return (
        f'<div class="md-scroll"><table class="md-table">{title}<thead><tr>{head}</tr></thead>'
        f"<tbody>{lines}</tbody></table></div>"
    )


def folded(title: str, inner: str) -> str:
    """A block that opens on a click, for what few readers need."""
    return f'<details class="md-fold"><summary>{escape(title)}</summary>{inner}</details>'


def long_table(headers: Sequence[str], rows: Sequence[Sequence[object]], name: str, most: int = 12) -> str:
    """A table; the rows beyond `most` are folded away, and said to be."""
    if len(rows) <= most:
        return table(headers, rows)
    rest = folded(f"{len(rows) - most} more {name}", table(headers, rows[most:]))
    return f'<div class="md-long">{table(headers, rows[:most])}{rest}</div>'


def packed(name: str, inner: str) -> str:
    """HTML that the script unpacks when it is asked for (`md.piece`): of curves a sixth of the text."""
    data = base64.b64encode(zlib.compress(inner.encode(), 6)).decode()
    return f'<script type="application/zlib" id="{escape(name)}">{data}</script>'


def paragraph(*texts: object, kind: str = "") -> str:
    """A paragraph of escaped texts and `Safe` pieces."""
    style = f' class="{escape(kind)}"' if kind else ""
    return f"<p{style}>" + "".join(t if isinstance(t, Safe) else escape(t) for t in texts) + "</p>"


def notice(text: str) -> str:
    """A line in place of what was left out, with the reason."""
    return f'<div class="md-notice">{escape(text)}</div>'


def figure(inner: str, name: str, key: str = "", caption: str = "") -> Safe:
    """Drawings (SVG) that are saved together, under a name, with their legend and caption."""
    text = f"<figcaption>{escape(caption)}</figcaption>" if caption else ""
    return Safe(f'<figure class="md-fig" data-name="{escape(name)}">{inner}{key}{text}</figure>')


def picture(data: bytes, alt: str, caption: str = "", width: int | None = None) -> str:
    """An image in the page itself (base64), `width` px wide, with its caption.

    Raises
    ------
    ValueError
        If the data are neither PNG nor JPEG nor SVG.
    """
    kind = next((name for magic, name in _IMAGE_TYPES.items() if data.startswith(magic)), None)
    if kind is None:
        raise ValueError(f"not a PNG or JPEG or SVG image; it begins with {data[:4]!r}")
    text = f"<figcaption>{escape(caption)}</figcaption>" if caption else ""
    style = f' style="width:{width}px"' if width else ""
    source = base64.b64encode(data).decode()
    return (
        f'<figure class="md-figure" data-name="{escape(alt)}">'
        f'<img src="data:{kind};base64,{source}" alt="{escape(alt)}"{style}>'
        f"{text}</figure>"
    )


def thumbnail(path: str | Path, side: int = 480) -> bytes:
    """JPEG of an image file, its longer side at most `side` px, so that a gallery stays light."""
    import io

    from PIL import Image

    with Image.open(path) as image:
        small = image.convert("RGB")
        small.thumbnail((side, side), Image.Resampling.LANCZOS)
        buffer = io.BytesIO()
        small.save(buffer, "JPEG", quality=88)
    return buffer.getvalue()
