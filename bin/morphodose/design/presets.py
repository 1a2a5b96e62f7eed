"""File names of the instruments, declared once: patterns, examples, and files that are not planes.

Patterns are searched for in the path below the acquisition folder, in their order. Groups as in
`morphodose.design.filenames`.
"""

from __future__ import annotations

from typing import NamedTuple

#: End of an image's name: one that holds planes of a field as well as a single one.
END = r"(?i:(?:\.ome)?(?:\.tiff?|\.zarr)|\.btf|\.tf[28]|\.czi|\.nd2|\.lif)\Z"
_GUID = r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"


class Preset(NamedTuple):
    """File names of one instrument.

    `patterns` are tried in their order. `examples` are names that the preset reads, the commonest first.
    `ignore` are reasons and patterns of files that are not planes. With `projections`, images without a z are
    projections wherever their channel has z-steps; with `step_0`, so are those of step 0 beside others.
    """

    instrument: str
    patterns: tuple[str, ...]
    examples: tuple[str, ...]
    ignore: tuple[tuple[str, str], ...] = ()
    projections: bool = False
    step_0: bool = False

    @property
    def example(self) -> str:
        """The commonest name."""
        return self.examples[0]


PRESETS: dict[str, Preset] = {
    # wells are numbered row by row
    "cq1": Preset(
        "Yokogawa CQ1",
        (r"(?:^|/)W(?P<well>\d+)F(?P<field>\d+)T(?P<timepoint>\d+)Z(?P<z>\d+)C(?P<channel>\d+)" + END,),
        ("W0001F0001T0001Z003C1.tif",),
    ),
    # L is the time line, A the action. DC_ and SC_ are dark and shading references
    "cv8000": Preset(
        "Yokogawa CV7000, CV8000",
        (
            r"(?:^|/)(?:(?P<prefix>[^/]*)_)?(?P<well>[A-Z]{1,2}\d{2})_T(?P<timepoint>\d+)F(?P<field>\d+)L\d+"
            r"A(?P<action>\d+)Z(?P<z>\d+)C(?P<channel>\d+)" + END,
        ),
        ("Screen_D08_T0001F002L01A01Z04C01.tif",),
        (("dark or shading reference", r"(?:^|/)(?:DC|SC)_[^/]*" + END),),
    ),
    # Harmony; ch01t01 is what its newer versions and Signals write, in a folder for each well
    "opera_phenix": Preset(
        "PerkinElmer, Revvity Opera Phenix and Operetta CLS",
        (
            r"(?:^|/)r(?P<row>\d+)c(?P<col>\d+)f(?P<field>\d+)p(?P<z>\d+)-ch(?P<channel>\d+)"
            r"(?:sk|t)(?P<timepoint>\d+)(?:fk\d+)?(?:fl\d+)?" + END,
        ),
        ("r01c01f01p01-ch1sk1fk1fl1.tiff", "r03c07/r03c07f01p01-ch01t01.tiff"),
    ),
    # row, column, field, then plane, time and channel of three digits each
    "columbus": Preset(
        "PerkinElmer Columbus, Operetta (older exports)",
        (
            r"(?:^|/)(?P<row>\d{3})(?P<col>\d{3})-(?P<field>\d+)-(?P<z>\d{3})(?P<timepoint>\d{3})"
            r"(?P<channel>\d{3})" + END,
        ),
        ("002003-1-001001001.tif",),
    ),
    # MetaXpress; w1 is followed by a GUID without a separator, ZStep_0 is a projection. Wells may be written
    # small, up to p (384) and from aa to af: s10 is a site
    "imagexpress": Preset(
        "Molecular Devices ImageXpress (MetaXpress)",
        (
            r"(?:^|/)(?:(?i:TimePoint)_(?P<timepoint>\d+)/)?(?:(?i:ZStep)_(?P<z>\d+)/)?(?:(?P<prefix>[^/]*)_)?"
            r"(?P<well>(?:[A-Z]{1,2}|[a-p]|a[a-f])\d{2})"
            rf"(?:_s(?P<field>\d+))?(?:_w(?P<channel>\d{{1,2}}?))?(?:{_GUID})?" + END,
        ),
        (
            "TimePoint_1/ZStep_3/Screen_C07_s1_w1D5F8F51A-3E85-4358-AE51-A465AF87386F.tif",
            "mcf-z-stacks-03212011_k06_s2_w12667264a-6432-4f7e-bf58-625a1319a1c9.tif",
            "Screen_C07.tif",
        ),
        (("thumbnail", r"_thumb[^/]*" + END),),
        projections=True,
        step_0=True,
    ),
    "imagexpress_new": Preset(
        "Molecular Devices ImageXpress (IN Carta, newer exports)",
        (
            r"(?:^|/)(?:(?P<prefix>[^/]*)_)?t(?P<timepoint>\d+)_(?P<well>[A-Z]{1,2}\d{2})_s(?P<field>\d+)"
            r"_w(?P<channel>\d+)_z(?P<z>\d+)" + END,
        ),
        ("screen_t0_C05_s0_w0_z0.tif",),
        (("thumbnail", r"_thumb[^/]*" + END),),
    ),
    # the channel is the text after wv, without a z or time that is damaged
    "incell": Preset(
        "GE, Cytiva IN Cell Analyzer 1000 to 7000",
        (
            r"(?:^|/)(?:(?P<prefix>[^/]*)_)?(?P<row>[A-Z]{1,2}) - (?P<col>\d+)\(fld (?P<field>\d+) wv "
            r"(?P<channel>(?:(?! (?:wix|z|time) ?\d)[^/()])+?)"
            r"(?: wix \d+)?(?: z (?P<z>\d+))?(?: time (?P<timepoint>\d+) - \d+ ?ms)?\)" + END,
            # one wave
            r"(?:^|/)(?:(?P<prefix>[^/]*)_)?(?P<row>[A-Z]{1,2}) - (?P<col>\d+)\(fld (?P<field>\d+)"
            r"(?: z (?P<z>\d+))?(?: time (?P<timepoint>\d+) - \d+ ?ms)?\)" + END,
            r"(?:^|/)(?P<row>[A-Z]{1,2})_(?P<col>\d+)_f(?P<field>\d+)_c(?P<channel>\d+)_x(?P<lit>[^/_]*)"
            r"_m(?P<filtered>[^/_]*)_z(?P<z>\d+)_t(?P<timepoint>\d+)" + END,
        ),
        (
            "A - 01(fld 1 wv DAPI - DAPI z 3).tif",
            "A - 01(fld 1).tif",
            "A_01_f1_c1_xUV_mDAPI_z1_t1.tif",
        ),
    ),
    "arrayscan": Preset(
        "Thermo Fisher ArrayScan, CellInsight (Cellomics)",
        (
            r"(?:^|/)(?:(?P<prefix>[^/]*)_)?(?P<well>[A-Z]{1,2}\d{2})(?:t(?P<timepoint>\d+))?f(?P<field>\d+)"
            r"d(?P<channel>\d+)(?:o\d+)?" + END,
        ),
        ("AS_09125_050116030001_D03f00d0.TIF",),
    ),
    # the W number counts the wells row by row; the text before it may be missing
    "scanr": Preset(
        "Olympus, Evident scan^R",
        (
            r"(?:^|/)(?P<well>[A-Z]{1,2}\d{1,2})--W\d+--P(?P<field>\d+)--Z(?P<z>\d+)--T(?P<timepoint>\d+)"
            r"--(?P<channel>[^/]+?)" + END,
            r"(?:^|/)[^/]*?--(?P<well>W\d+)--P(?P<field>\d+)--Z(?P<z>\d+)--T(?P<timepoint>\d+)"
            r"--(?P<channel>[^/]+?)" + END,
        ),
        (
            "B2--W00014--P00001--Z00000--T00000--dapi.tif",
            "--W00002--P00001--Z00000--T00000--cherry.tif",
        ),
    ),
    # Gen5: well, read step, channel number, field, channel's name, time; stitched images are made of the
    # tiles
    "cytation": Preset(
        "Agilent, BioTek Cytation and Lionheart (Gen5)",
        (
            r"(?:^|/)(?P<well>[A-Z]{1,2}\d{1,2})_-?\d+_\d+_(?P<field>\d+)(?:Z(?P<z>\d+))?"
            r"_(?P<channel>[^/_\[]+(?:\[[^/\]]*\])?)_(?P<timepoint>\d+)" + END,
            r"(?:^|/)(?P<well>[A-Z]{1,2}\d{1,2})_\d+_(?:SP(?P<field>\d+))?(?:Z(?P<z>\d+))?_C\d+"
            r"_(?P<channel>[^/]+?)_T(?P<timepoint>\d+)" + END,
        ),
        (
            "B2_02_1_3_GFP 469,525_001.tif",
            "B2_02_SP10Z10_C1_Bright Field_T001.tif",
        ),
        (("stitched from the tiles", r"_Stitched\[[^/]*" + END),),
    ),
    # the text before the well is the channel's where the user named it so; EssenFiles hold folders by time
    "incucyte": Preset(
        "Sartorius Incucyte",
        (
            # VID123 is a number of the vessel; the channel may be a folder
            r"(?:^|/)(?:(?P<word>[^/]+)/)?(?P<prefix>VID\d+)_(?P<well>[A-Z]{1,2}\d{1,2})_(?P<field>\d+)"
            r"_(?P<timepoint>(?:\d{4}y\d\dm\d\dd_|\d+d)\d\dh\d\dm)" + END,
            r"(?:^|/)(?P<channel>[^/]+)_(?P<well>[A-Z]{1,2}\d{1,2})_(?P<field>\d+)"
            r"_(?P<timepoint>(?:\d{4}y\d\dm\d\dd_|\d+d)\d\dh\d\dm)" + END,
            r"(?:^|/)(?P<timepoint>\d{4}/\d\d/\d{4})/\d+/(?P<well>[A-Z]{1,2}\d{1,2})-(?P<field>\d+)"
            r"-(?P<channel>[A-Za-z]+\d*)" + END,
        ),
        (
            "Phase_A1_1_00d04h00m.tif",
            "Phase/VID123_A1_1_00d04h00m.tif",
            "ScanData/2505/16/1124/1248/A1-1-C1.tif",
        ),
    ),
    # U and V count columns and rows of wells from 0, X and Y those of the fields
    "leica_matrix": Preset(
        "Leica Matrix Screener",
        (
            r"(?:^|/)image--L\d+(?:--S\d+)?--U(?P<col0>\d+)--V(?P<row0>\d+)--J\d+--E\d+--O\d+"
            r"--X(?P<tile_col>\d+)--Y(?P<tile_row>\d+)--T(?P<timepoint>\d+)--Z(?P<z>\d+)--C(?P<channel>\d+)"
            + END,
        ),
        ("image--L0000--S00--U02--V01--J07--E00--O00--X01--Y00--T0000--Z02--C01.ome.tif",),
    ),
    # folders are positions of the plate: well and site, or a well with the tiles of a grid in it
    "micromanager": Preset(
        "Micro-Manager (plates)",
        (
            r"(?:^|/)(?:[^/]*[_ ])?(?P<well>[A-Z]{1,2}\d{1,2})-Site_(?P<field>\d+)/img"
            r"_channel(?P<channel>\d+)_position\d+_time(?P<timepoint>\d+)_z(?P<z>\d+)" + END,
            r"(?:^|/)(?:[^/]*[_ ])?(?P<well>[A-Z]{1,2}\d{1,2})-Site_(?P<field>\d+)/img_(?P<timepoint>\d+)"
            r"_(?P<channel>[^/]+)_(?P<z>\d+)" + END,
            r"(?:^|/)(?:[^/]*[_ ])?(?P<well>[A-Z]{1,2}\d{1,2})/(?:\d+-)?Pos_?(?P<tile_col>\d+)"
            r"_(?P<tile_row>\d+)/img_(?P<timepoint>\d+)_(?P<channel>[^/]+)_(?P<z>\d+)" + END,
            r"(?:^|/)(?:[^/]*[_ ])?(?P<well>[A-Z]{1,2}\d{1,2})/(?:Pos_?(?P<field>\d+)/)?"
            r"img_(?P<timepoint>\d+)_(?P<channel>[^/]+)_(?P<z>\d+)" + END,
        ),
        (
            "A1-Site_0/img_000000000_DAPI_000.tif",
            "A1/1-Pos_000_000/img_000000000_DAPI_000.tif",
            "A1-Site_0/img_channel000_position000_time000000000_z000.tif",
        ),
    ),
    # BBBC013; the second number counts the wells and is not needed
    "bbbc013": Preset(
        "Broad Bioimage Benchmark Collection 013",
        (r"(?:^|/)Channel(?P<channel>\d+)-\d+-(?P<row>[A-Z])-(?P<col>\d+)" + END,),
        ("Channel1-01-A-01.tif",),
    ),
}

#: Names of no instrument, read by `morphodose.design.anyname`; tried where no preset fits.
WELL_FILES = Preset(
    "any, with a well in the name",
    (),
    (
        "Plate1_WellB03_Field02.ome.tiff",
        "B03.czi",
        "B-03_DAPI_f1_z03.tif",
        "B03/DAPI_1.tif",
        "r02c03_ch1.tif",
    ),
    (
        (
            "thumbnail, overlay or mask",
            r"(?i)(?:^|[/_ .-])(?:thumb(?:nail)?s?|overlays?|masks?|composites?|merged?|rgb|preview|"
            r"outlines?)(?=[_ .-][^/]*\Z|/)",
        ),
    ),
    projections=True,
)
