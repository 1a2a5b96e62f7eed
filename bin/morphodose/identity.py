"""When two names are one: what cannot be seen in them, and what is easily written differently."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable

# soft hyphen, zero-width blanks and joiners, direction marks, byte order mark, and then what turns the
# direction of all that follows
_INVISIBLE = dict.fromkeys(map(ord, "\u00ad\u061c\u180e\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"))
_INVISIBLE |= dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A)])
_MINUS = "\u2212"


def tidy(text: str) -> str:
    """A text without what cannot be seen: zero-width characters go, and blanks of any kind are one blank."""
    if text.isascii() and "  " not in text:
        return text.strip()
    seen = text.translate(_INVISIBLE)
    return re.sub(" +", " ", "".join(" " if unicodedata.category(c) == "Zs" else c for c in seen)).strip()


def name_key(text: str) -> str:
    """A name for comparison: `tidy`, Unicode's NFKC, one kind of dash, one kind of blank."""
    normal = unicodedata.normalize("NFKC", tidy(text))
    dashed = "".join("-" if c == _MINUS or unicodedata.category(c) == "Pd" else c for c in normal)
    return " ".join(dashed.split())


def cased_key(text: str) -> str:
    """`name_key` without case."""
    return name_key(text).casefold()


def loose_key(text: str) -> str:
    """`cased_key` without blanks, dashes and underscores, but for those between two digits."""
    return re.sub(r"(?<!\d)[\s_\-]+|[\s_\-]+(?!\d)", "", cased_key(text))


def alike(names: Iterable[str], key: Callable[[str], str]) -> list[list[str]]:
    """Groups of two or more different names that have one key, each in the order of their first use."""
    groups: dict[str, dict[str, None]] = defaultdict(dict)
    for name in names:
        groups[key(name)][name] = None
    return [list(group) for group in groups.values() if len(group) > 1]


def spelling(names: Iterable[str], key: Callable[[str], str]) -> dict[str, str]:
    """Each name → the name that stands for all with its key: the most frequent, the first of several."""
    counts = Counter(names)
    chosen: dict[str, str] = {}
    for name in counts:  # in the order of their first use
        best = chosen.setdefault(key(name), name)
        if counts[name] > counts[best]:
            chosen[key(name)] = name
    return {name: chosen[key(name)] for name in counts}
