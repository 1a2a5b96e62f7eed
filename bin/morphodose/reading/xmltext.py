"""XML that others wrote: read without a document type, whose entities could fill the memory."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from typing import BinaryIO
from xml.etree.ElementTree import Element
from xml.parsers import expat


class BadXml(Exception):
    """Why a text cannot be used as XML."""


class _Root(Exception):
    """The first element is reached, and no document type came before it."""


def local(element: Element) -> str:
    """Tag without namespace."""
    return str(element.tag).rpartition("}")[2]


def attribute(element: Element, name: str) -> str:
    """An attribute by its name without namespace; empty where it is missing."""
    return next((text for key, text in element.items() if key.rpartition("}")[2] == name), "")


def parse(text: str | bytes) -> Element:
    """The root of an XML text.

    Raises
    ------
    BadXml
        If it is not XML, or declares a document type.
    """
    _refuse_doctype(text)
    try:
        return ElementTree.fromstring(text)
    except (ElementTree.ParseError, ValueError) as fault:
        raise BadXml(f"is not XML ({fault})") from fault


def elements(path: str) -> Iterator[Element]:
    """The elements of a file as they end, root last; the caller clears each when done with it.

    Raises
    ------
    BadXml
        If the file is not XML, or declares a document type.
    """
    with open(path, "rb") as stream:
        _refuse_doctype(stream)
        stream.seek(0)
        try:
            for _, element in ElementTree.iterparse(stream):
                yield element
        except ElementTree.ParseError as fault:
            raise BadXml(f"is not XML ({fault})") from fault


def _refuse_doctype(source: str | bytes | BinaryIO) -> None:
    parser = expat.ParserCreate()

    def refuse(*_: object) -> None:
        raise BadXml("declares a document type, which no instrument writes; it is not read")

    def stop(*_: object) -> None:
        raise _Root

    parser.StartDoctypeDeclHandler = refuse
    parser.StartElementHandler = stop
    try:
        if isinstance(source, (str, bytes)):
            parser.Parse(source, True)
        else:
            parser.ParseFile(source)
    except _Root:
        return
    except (expat.ExpatError, ValueError) as fault:
        raise BadXml(f"is not XML ({fault})") from fault
