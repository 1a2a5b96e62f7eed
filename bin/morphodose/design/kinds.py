"""What the files of the planes are: readable, and of one size and depth in each channel."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from morphodose.design.faults import Faults, FieldKey, counted, listing
from morphodose.design.namer import Namer, collapse
from morphodose.design.planes import Plane
from morphodose.imaging.projection import whole_factor

#: Width, height and data type.
Kind = tuple[int, int, str]


def check_files(planes: Sequence[Plane], names: Namer, faults: Faults) -> None:
    """Report what is unreadable, or differs within its channel; say what is inverted or resized."""
    kinds: dict[str, Counter[Kind]] = defaultdict(Counter)
    for plane in planes:
        if plane.fault:
            image = names.image(plane.key)
            faults.add_plane(
                "unreadable_image", plane.path, f"the file {plane.fault}", plane.fix, image, [plane.key]
            )
        else:
            kinds[plane.channel][_kind(plane)] += 1
    usual = {channel: found.most_common(1)[0][0] for channel, found in kinds.items()}
    _check_channels(usual, names, faults)
    _check_planes(planes, kinds, usual, names, faults)
    white = [plane.path for plane in planes if plane.white]
    if white:
        faults.warn(
            "white_is_zero",
            white[0],
            f"{counted(len(white), 'image')} of {len(planes)} say that 0 is white (PhotometricInterpretation "
            "0); their counts are inverted",
            "nothing, if the images look right in the report; else export them with black as 0",
        )


def _kind(plane: Plane) -> Kind:
    return plane.width, plane.height, plane.dtype


def _check_planes(
    planes: Sequence[Plane],
    kinds: dict[str, Counter[Kind]],
    usual: dict[str, Kind],
    names: Namer,
    faults: Faults,
) -> None:
    """Planes that are not as most of their channel are."""
    odd: dict[FieldKey, dict[Kind, list[Plane]]] = defaultdict(lambda: defaultdict(list))
    for plane in planes:
        if not plane.fault and _kind(plane) != usual[plane.channel]:
            odd[plane.key][_kind(plane)].append(plane)
    details, example = {}, {}
    for key, groups in odd.items():
        parts = []
        for (width, height, dtype), group in groups.items():
            parts.append(f"{names.planes((p.channel, p.z) for p in group)}: {width} x {height} {dtype}")
        first = next(iter(groups.values()))[0]
        width, height, dtype = usual[first.channel]
        found = kinds[first.channel]
        expected = f"{width} x {height} {dtype}, like {found[usual[first.channel]]} of {found.total()} images"
        details[key] = f"{'; '.join(parts)}; expected {expected}"
        example[key] = first.path
    for label, detail, keys in collapse(details, {plane.key for plane in planes}, names):
        faults.add_plane(
            "image_size",
            example[keys[0]],
            f"size or bit depth differs within the screen ({detail})",
            "export all images alike, or analyse them as separate screens",
            label,
            keys,
        )


def _check_channels(usual: dict[str, Kind], names: Namer, faults: Faults) -> None:
    """Channels of another size or depth: declared where they fit the others, refused where they do not."""
    if len(set(usual.values())) < 2:
        return
    sizes = Counter((width, height) for width, height, _ in usual.values())
    # the size of most channels; of two, the larger
    width, height = max(sizes, key=lambda size: (sizes[size], size[0] * size[1]))
    fitted, unfit = [], []
    for channel, kind in usual.items():
        name = names.channels.get(channel, channel)
        if kind[:2] == (width, height):
            continue
        if whole_factor(kind[:2], (width, height)) is None:
            unfit.append(f"{name} {kind[0]} x {kind[1]}")
        else:
            fitted.append(f"{name} from {kind[0]} x {kind[1]}")
    if unfit:
        faults.add(
            "channel_size",
            "--channels",
            f"channels have sizes that do not fit together: {listing(unfit)}; others {width} x {height}",
            "export them alike, or leave them out, with NUMBER:- in --channels",
        )
    if fitted:
        faults.warn(
            "channel_size",
            "--channels",
            f"channels of another size are resized to {width} x {height}: {listing(fitted)}",
            "nothing, if they show the same area",
        )
    depths = {dtype for _, _, dtype in usual.values()}
    if len(depths) > 1 and len({depth[0] for depth in depths}) > 1:
        faults.add(
            "channel_depth",
            "--channels",
            f"channels hold counts of different kinds ({listing(sorted(depths))})",
            "export all of them as unsigned 8 or 16 bits",
        )
    elif len(depths) > 1:
        faults.warn(
            "channel_depth",
            "--channels",
            f"channels have different depths ({listing(sorted(depths))}); counts are kept in the deepest",
            "nothing",
        )
