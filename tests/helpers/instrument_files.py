"""Small screens as instruments write them, made with the libraries' own writers: one entry an instrument or container.

Each is two wells, B02 and C03, with the fields, z, channels and times that the entry says.
"""

from __future__ import annotations

import itertools
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tifffile

import sidecar_files as beside

WELLS = ("B02", "C03")
SHAPE = (12, 16)
MICRON = 0.325


def pixels(*place: object) -> np.ndarray:
    """An image that its place determines."""
    return (
        np.random.default_rng(abs(hash(tuple(map(str, place)))) % 2**32)
        .integers(100, 4000, SHAPE)
        .astype("uint16")
    )


def grey(path: Path, image: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    tifffile.imwrite(path, image, photometric="minisblack", metadata=None)


@dataclass(frozen=True)
class Made:
    """How one instrument's folder is made, and what is to be understood of it.

    Attributes
    ----------
    instrument, names : str
        For the table of docs/usage.md.
    preset : str
        The preset that has to be found.
    make : callable
        Writes the folder.
    channels : str
        ``--channels``.
    fields, z : tuple of int
        What has to be found in each well.
    metadata : str
        What is read of metadata.
    called : tuple of str
        What the metadata call the channels.
    plate_format : int
        What the metadata say of the plate, or 96.
    timed : bool
        The metadata know the time and place of each image.
    """

    instrument: str
    names: str
    preset: str
    make: Callable[[Path], None]
    channels: str = "1:DNA,2:Actin"
    fields: tuple[int, ...] = (1, 2)
    z: tuple[int, ...] = (1, 2)
    metadata: str = ""
    pixel_um: float | None = None
    called: tuple[str, ...] = ()
    plate_format: int = 96
    timed: bool = False


def both(*makers: Callable[[Path], None]) -> Callable[[Path], None]:
    """Images, and then what is written beside them."""

    def make(folder: Path) -> None:
        for maker in makers:
            maker(folder)

    return make


def by_name(
    template: str, channels: tuple[object, ...] = (1, 2), start: int = 1, z: bool = True
) -> Callable[[Path], None]:
    """One file for each plane; `start` is the first number of fields and z."""

    def make(folder: Path) -> None:
        for well, field, height, channel in itertools.product(WELLS, (0, 1), (0, 1) if z else (0,), channels):
            row, col = ord(well[0]) - 64, int(well[1:])
            name = template.format(
                well=well, row=row, col=col, letter=well[0], number=(row - 1) * 12 + col, lower=well.lower(),
                short=f"{well[0]}{col}", row0=row - 1, col0=col - 1, f=field + start, z=height + start, c=channel,
            )  # fmt: skip
            grey(folder / name, pixels(well, field, height, channel))

    return make


def imagexpress_with_projection(folder: Path) -> None:
    by_name("TimePoint_1/ZStep_{z}/S_{well}_s{f}_w{c}AAAAAAAA-0000-0000-0000-000000000000.tif")(folder)
    by_name("TimePoint_1/ZStep_0/S_{well}_s{f}_w{c}AAAAAAAA-0000-0000-0000-000000000000.tif", z=False)(folder)
    by_name("TimePoint_1/ZStep_1/S_{well}_s{f}_w{c}_thumbAAAAAAAA-0000-0000-0000-000000000000.tif", z=False)(
        folder
    )


def stacks(name: str, **options: object) -> Callable[[Path], None]:
    """One file per field, with z and channels in it (T Z C Y X)."""

    def make(folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for well, field in itertools.product(WELLS, (1, 2)):
            data = np.stack([np.stack([pixels(well, field, z, c) for c in (1, 2)]) for z in (0, 1)])
            tifffile.imwrite(
                folder / name.format(well=well, f=field), data[None], photometric="minisblack", **options
            )

    return make


def ome_wells(folder: Path) -> None:
    """An OME-TIFF for each well, with an image for each of its fields."""
    folder.mkdir(parents=True, exist_ok=True)
    for well in WELLS:
        with tifffile.TiffWriter(folder / f"Screen_{well}.ome.tif", ome=True) as writer:
            for field in (1, 2):
                data = np.stack([np.stack([pixels(well, field, z, c) for c in (1, 2)]) for z in (0, 1)])
                metadata = {"axes": "ZCYX", "PhysicalSizeX": MICRON, "Channel": {"Name": ["DAPI", "Cy3"]}}
                writer.write(data, photometric="minisblack", metadata=metadata)


def ome_plate(folder: Path, companion: bool = False) -> None:
    """One OME-TIFF for the plate: images in pages, the plate in the metadata (with or without a companion)."""
    folder.mkdir(parents=True, exist_ok=True)
    images, wells, pages = [], [], []
    for number, (well, field) in enumerate(itertools.product(WELLS, (1, 2))):
        first = len(pages)
        pages += [pixels(well, field, z, c) for z in (0, 1) for c in (1, 2)]
        file = "<UUID FileName='plate.tif'>urn:uuid:1</UUID>" if companion else ""
        blocks = "".join(
            f"<TiffData FirstC='{c}' FirstZ='{z}' FirstT='0' IFD='{first + 2 * z + c}' PlaneCount='1'>{file}</TiffData>"
            for z in (0, 1)
            for c in (0, 1)
        )
        images.append(
            f"<Image ID='Image:{number}' Name='x{number}'><Pixels ID='Pixels:{number}' DimensionOrder='XYCZT' "
            f"Type='uint16' SizeX='{SHAPE[1]}' SizeY='{SHAPE[0]}' SizeZ='2' SizeC='2' SizeT='1' "
            f"PhysicalSizeX='{MICRON * 1000}' PhysicalSizeXUnit='nm'>"
            f"<Channel ID='Channel:{number}:0' Name='DAPI'/><Channel ID='Channel:{number}:1' Name='Cy3'/>"
            f"{blocks}</Pixels></Image>"
        )
    for index, well in enumerate(WELLS):
        samples = "".join(
            f"<WellSample ID='S:{index}:{f}' Index='{f}'><ImageRef ID='Image:{2 * index + f}'/></WellSample>"
            for f in (0, 1)
        )
        wells.append(
            f"<Well ID='W:{index}' Row='{ord(well[0]) - 65}' Column='{int(well[1:]) - 1}'>{samples}</Well>"
        )
    text = (
        "<?xml version='1.0' encoding='UTF-8'?><OME xmlns='http://www.openmicroscopy.org/Schemas/OME/2016-06'>"
        f"<Plate ID='Plate:0'>{''.join(wells)}</Plate>{''.join(images)}</OME>"
    )
    description = None if companion else text.encode()
    with tifffile.TiffWriter(folder / "plate.tif") as writer:
        for number, page in enumerate(pages):
            writer.write(
                page, metadata=None, photometric="minisblack", description=None if number else description
            )
    if companion:
        (folder / "plate.companion.ome").write_text(text)


def lif_plate(folder: Path) -> None:
    """One LIF for the plate: a text that describes its images, and a block of memory for each (c within z)."""
    folder.mkdir(parents=True, exist_ok=True)
    height, width = SHAPE
    plane = 2 * height * width
    channels = "".join(
        f'<ChannelDescription DataType="0" ChannelTag="0" Resolution="12" NameOfMeasuredQuantity="" Min="0" Max="4095" Unit="" '
        f'LUTName="{lut}" IsLUTInverted="0" BytesInc="{c * plane}" BitInc="0"/>'
        for c, lut in enumerate(("Blue", "Green"))
    )
    sizes = (
        (1, width, 2, MICRON * 1e-6 * (width - 1)),
        (2, height, 2 * width, 1e-6),
        (3, 2, 2 * plane, 2e-6),
    )
    dimensions = "".join(
        f'<DimensionDescription DimID="{axis}" NumberOfElements="{count}" Origin="0" Length="{length}" Unit="m" BitInc="0" BytesInc="{step}"/>'
        for axis, count, step, length in sizes
    )
    wells, blocks = "", []
    for well in WELLS:
        images = ""
        for field in (1, 2):
            name = f"MemBlock_{len(blocks)}"
            data = np.stack([np.stack([pixels(well, field, z, c) for c in (1, 2)]) for z in (0, 1)]).tobytes()
            blocks.append((name, data))
            images += (
                f'<Element Name="R{field}"><Data><Image><ImageDescription><Channels>{channels}</Channels><Dimensions>{dimensions}'
                f'</Dimensions></ImageDescription></Image></Data><Memory Size="{len(data)}" MemoryBlockID="{name}"/></Element>'
            )
        wells += (
            f'<Element Name="{well[0]}"><Data><Collection/></Data><Memory Size="0" MemoryBlockID=""/><Children><Element Name="{int(well[1:])}">'
            f'<Data><Collection/></Data><Memory Size="0" MemoryBlockID=""/><Children>{images}</Children></Element></Children></Element>'
        )
    text = (
        '<LMSDataContainerHeader Version="2"><Element Name="plate"><Memory Size="0" MemoryBlockID=""/>'
        f"<Children>{wells}</Children></Element></LMSDataContainerHeader>"
    ).encode("utf-16-le")
    with (folder / "plate.lif").open("wb") as file:
        file.write(struct.pack("<IIBI", 0x70, len(text) + 5, 0x2A, len(text) // 2) + text)
        for name, data in blocks:
            title = name.encode("utf-16-le")
            file.write(
                struct.pack("<IIBQBI", 0x70, len(title) + 14, 0x2A, len(data), 0x2A, len(name)) + title + data
            )


def zarr_plate(version: str) -> Callable[[Path], None]:
    """An OME-Zarr plate of NGFF 0.4 (Zarr 2) or 0.5 (Zarr 3)."""

    def make(folder: Path) -> None:
        import zarr

        kind = 2 if version == "0.4" else 3

        def attributes(of: dict) -> dict:
            return of if kind == 2 else {"ome": {"version": version, **of}}

        root = zarr.open_group(str(folder / "plate.zarr"), mode="w", zarr_format=kind)
        wells = [{"path": f"{well[0]}/{int(well[1:])}", "rowIndex": 0, "columnIndex": 0} for well in WELLS]
        root.attrs.update(attributes({"plate": {"wells": wells, "rows": [], "columns": []}}))
        axes = [{"name": "c", "type": "channel"}] + [
            {"name": name, "type": "space", "unit": "micrometer"} for name in "zyx"
        ]
        for well, entry in zip(WELLS, wells, strict=True):
            group = root.create_group(entry["path"])
            group.attrs.update(attributes({"well": {"images": [{"path": "0"}, {"path": "1"}]}}))
            for field in (0, 1):
                image = group.create_group(str(field))
                data = np.stack([np.stack([pixels(well, field, z, c) for z in (0, 1)]) for c in (1, 2)])
                array = image.create_array("0", shape=data.shape, chunks=(1, 1, *SHAPE), dtype=data.dtype)
                array[:] = data
                scale = [{"type": "scale", "scale": [1, 2.0, MICRON, MICRON]}]
                scales = [{"axes": axes, "datasets": [{"path": "0", "coordinateTransformations": scale}]}]
                names = {"channels": [{"label": "DAPI"}, {"label": "Cy3"}]}
                image.attrs.update(attributes({"multiscales": scales, "omero": names}))

    return make


BOTH = "1:DNA,2:Actin"
MADE: dict[str, Made] = {
    "cq1": Made(
        "Yokogawa CQ1", "W0001F0001T0001Z003C1.tif", "cq1",
        both(by_name("W{number:04d}F{f:04d}T0001Z{z:03d}C{c}.tif"), beside.ome_xml("MeasurementResult.ome.xml", r"C(\d+)\.tif")),
        metadata="`.ome.xml`: channel names, pixel size, plate", pixel_um=MICRON, called=beside.STAINS,
    ),
    "cq1_mrf": Made(
        "the same, with the files of a CellVoyager", "W0001F0001T0001Z003C1.tif", "cq1",
        both(by_name("W{number:04d}F{f:04d}T0001Z{z:03d}C{c}.tif"), beside.yokogawa),
        metadata="`.mrf`, `.mlf`, `.mes`: channel names, wavelengths, pixel size, plate, times, positions",
        pixel_um=MICRON, called=("Hoechst", "561 BP600/37"), timed=True,
    ),
    "cv8000": Made(
        "Yokogawa CV7000, CV8000", "S_B02_T0001F001L01A01Z01C01.tif", "cv8000",
        both(by_name("S_{well}_T0001F{f:03d}L01A01Z{z:02d}C{c:02d}.tif"), beside.yokogawa),
        metadata="`.mrf`, `.mlf`, `.mes`: channel names, wavelengths, pixel size, plate, times, positions",
        pixel_um=MICRON, called=("Hoechst", "561 BP600/37"), timed=True,
    ),
    "cv8000_actions": Made(
        "the same, one channel in two actions", "S_B02_T0001F001L01A02Z01C01.tif", "cv8000",
        both(
            by_name("S_{well}_T0001F{f:03d}L01A{c:02d}Z{z:02d}C01.tif"),
            by_name("S_{well}_T0001F{f:03d}L01A{c:02d}Z{z:02d}C02.tif", (3,)), beside.yokogawa,
        ),
        "1A1:DNA,1A2:DNA_again,2:Actin", metadata="as above", pixel_um=MICRON,
        called=("Hoechst", "Hoechst", "561 BP600/37"), timed=True,
    ),
    "opera_phenix": Made(
        "Opera Phenix, Operetta CLS", "r02c02f01p01-ch1sk1fk1fl1.tiff", "opera_phenix",
        both(by_name("Images/r{row:02d}c{col:02d}f{f:02d}p{z:02d}-ch{c}sk1fk1fl1.tiff"), beside.harmony(5, "Images/Index.idx.xml")),
        metadata="`Index.idx.xml`, `Index.xml`: channel names, wavelengths, pixel size, plate, times, positions",
        pixel_um=MICRON, called=beside.STAINS, plate_format=384, timed=True,
    ),
    "columbus": Made(
        "Columbus, Operetta (older exports)", "002002-1-001001001.tif", "columbus",
        by_name("{row:03d}{col:03d}-{f}-{z:03d}001{c:03d}.tif"),
    ),
    "harmony_new": Made(
        "Harmony, Signals (newer)", "r02c02/r02c02f01p01-ch01t01.tiff", "opera_phenix",
        both(
            by_name("images/r{row:02d}c{col:02d}/r{row:02d}c{col:02d}f{f:02d}p{z:02d}-ch{c:02d}t01.tiff"),
            beside.harmony(7, "index/measurement.idx.xml"),
        ),
        metadata="as above", pixel_um=MICRON, called=beside.STAINS, plate_format=384, timed=True,
    ),
    "imagexpress": Made(
        "ImageXpress (MetaXpress) with its projections", "TimePoint_1/ZStep_1/S_B02_s1_w1<GUID>.tif", "imagexpress",
        both(imagexpress_with_projection, beside.metaxpress),
        metadata="`.HTD` and TIFF: channel names, pixel size, plate", pixel_um=MICRON, called=("DAPI", "TxRed-Conf"),
    ),
    "imagexpress_lower": Made(
        "ImageXpress, wells in small letters", "S_b02_s1_w1<GUID>.tif", "imagexpress",
        by_name("S_{lower}_s{f}_w{c}12667264-6432-4f7e-bf58-625a1319a1c9.tif", z=False), z=(1,),
    ),
    "imagexpress_new": Made(
        "ImageXpress (newer)", "S_t0_B02_s0_w0_z0.tif", "imagexpress_new",
        by_name("S_t0_{well}_s{f}_w{c}_z{z}.tif", (0, 1), start=0), "0:DNA,1:Actin", (0, 1), (0, 1),
    ),
    "incell": Made(
        "IN Cell Analyzer 1000 to 6000", "B - 02(fld 1 wv DAPI - DAPI z 1).tif", "incell",
        both(by_name("{letter} - {col:02d}(fld {f} wv {c} z {z}).tif", ("DAPI - DAPI", "Cy3 - Cy3")), beside.xdce),
        "DAPI - DAPI:DNA,Cy3 - Cy3:Actin", metadata="`.xdce`: channel names, wavelengths, pixel size, plate, times, positions",
        pixel_um=MICRON, called=("DAPI - DAPI", "Cy3 - Cy3"), timed=True,
    ),
    "incell_one": Made(
        "IN Cell Analyzer 2000, one wave", "B - 02(fld 1).tif", "incell",
        by_name("{letter} - {col:02d}(fld {f}).tif", (1,), z=False), "1:DNA", z=(1,),
    ),
    "incell_7000": Made(
        "IN Cell Analyzer 6500, 7000", "B_02_f1_c1_xUV_mDAPI_z1_t1.tif", "incell",
        both(
            by_name("{letter}_{col:02d}_f{f}_c{c}_xUV_mDAPI_z{z}_t1.tif", (1,)),
            by_name("{letter}_{col:02d}_f{f}_c{c}_xBlue_mFITC_z{z}_t1.tif", (2,)),
        ),
        called=("DAPI", "FITC"),
    ),
    "arrayscan": Made(
        "ArrayScan, CellInsight", "AS_09125_050116030001_B02f00d0.TIF", "arrayscan",
        by_name("AS_09125_050116030001_{well}f{f:02d}d{c}.TIF", (0, 1), start=0, z=False),
        "0:DNA,1:Actin", (0, 1), (1,),
    ),
    "scanr": Made(
        "scan^R", "B2--W00014--P00001--Z00000--T00000--dapi.tif", "scanr",
        both(
            by_name("{short}--W{number:05d}--P{f:05d}--Z{z:05d}--T00000--{c}.tif", ("dapi", "cy3"), start=0),
            beside.ome_xml("metadata.ome.xml", r"T00000--(\w+)\.tif", ("dapi", "cy3")),
        ),
        "dapi:DNA,cy3:Actin", (0, 1), (0, 1), metadata="`metadata.ome.xml`: channel names, pixel size, plate",
        pixel_um=MICRON, called=("dapi", "cy3"),
    ),
    "cytation": Made(
        "Cytation, Lionheart (Gen5)", "B2_02_1_1_GFP 469,525_001.tif", "cytation",
        both(by_name("{short}_02_1_{f}_{c}_001.tif", ("GFP 469,525", "DAPI 377,447"), z=False), beside.gen5),
        '"GFP 469,525":Actin,"DAPI 377,447":DNA', z=(1,), metadata="TIFF: channel names, wavelengths, pixel size",
        pixel_um=MICRON, called=("GFP 469,525", "DAPI 377,447"),
    ),
    "incucyte": Made(
        "Incucyte", "Phase_B2_1_00d04h00m.tif", "incucyte",
        by_name("{c}_{short}_{f}_00d04h00m.tif", ("Phase", "Green"), z=False), "Phase:DNA,Green:Actin", z=(1,),
    ),
    "incucyte_folders": Made(
        "Incucyte, a folder for each channel", "Phase/VID12_B2_1_00d04h00m.tif", "incucyte",
        by_name("{c}/VID12_{short}_{f}_00d04h00m.tif", ("Phase", "Green"), z=False), "Phase:DNA,Green:Actin", z=(1,),
    ),
    "leica_matrix": Made(
        "Leica Matrix Screener", "image--L0000--S00--U01--V01--J07--E00--O00--X00--Y00--T0000--Z00--C00.ome.tif",
        "leica_matrix",
        by_name(
            "image--L0000--S00--U{col0:02d}--V{row0:02d}--J07--E00--O00--X{f:02d}--Y00--T0000--Z{z:02d}--C{c:02d}.ome.tif",
            (0, 1), start=0,
        ),
        "0:DNA,1:Actin", (1, 2), (0, 1),
    ),
    "micromanager": Made(
        "Micro-Manager (plates)", "B2-Site_0/img_000000000_DAPI_000.tif", "micromanager",
        by_name("{short}-Site_{f}/img_000000000_{c}_{z:03d}.tif", ("DAPI", "Cy3"), start=0),
        "DAPI:DNA,Cy3:Actin", (0, 1), (0, 1),
    ),
    "micromanager_tiles": Made(
        "Micro-Manager, a folder for each well and tile", "B2/1-Pos_000_001/img_000000000_DAPI_000.tif", "micromanager",
        by_name("{short}/1-Pos_000_00{f}/img_000000000_{c}_{z:03d}.tif", ("DAPI", "Cy3"), start=0),
        "DAPI:DNA,Cy3:Actin", (1, 2), (0, 1),
    ),
    "imagej": Made(
        "any: ImageJ hyperstack, one file per field", "Plate_B02_s1.tif", "imagexpress",
        stacks("Plate_{well}_s{f}.tif", imagej=True, metadata={"axes": "TZCYX", "unit": "um"}, resolution=(1 / MICRON,) * 2),
        metadata="channels, z, pixel size", pixel_um=MICRON,
    ),
    "tiff_axes": Made(
        "any: TIFF of several pages, one file per field", "Well B02 field 1.tif", "well_files",
        stacks("Well {well} field {f}.tif", metadata={"axes": "TZCYX"}), metadata="channels, z",
    ),
    "ome_tiff": Made(
        "any: OME-TIFF, one file per field", "B02_field2.ome.tif", "well_files",
        stacks("{well}_field{f}.ome.tif", ome=True, metadata={
            "axes": "TZCYX", "PhysicalSizeX": MICRON, "PhysicalSizeXUnit": "µm", "Channel": {"Name": ["DAPI", "Cy3"]},
        }),
        "DAPI:DNA,Cy3:Actin", metadata="channels and names, z, pixel size", pixel_um=MICRON,
    ),
    "ome_wells": Made(
        "any: OME-TIFF, one file per well", "Screen_B02.ome.tif", "well_files", ome_wells, "DAPI:DNA,Cy3:Actin",
        metadata="fields, channels and names, z, pixel size", pixel_um=MICRON,
    ),
    "ome_plate": Made(
        "any: OME-TIFF, one file per plate", "plate.tif", "well_files", ome_plate,
        metadata="wells, fields, channels and names, z, pixel size", pixel_um=MICRON,
    ),
    "ome_companion": Made(
        "any: OME-TIFF with a companion file", "plate.companion.ome", "well_files",
        lambda folder: ome_plate(folder, companion=True),
        metadata="wells, fields, channels and names, z, pixel size", pixel_um=MICRON,
    ),
    "lif": Made(
        "Leica LIF, one file per plate", "plate.lif", "well_files", lif_plate, "1:DNA,2:Actin",
        metadata="wells, fields, channels and colours, z, times, pixel size", pixel_um=MICRON,
    ),
    "zarr_04": Made(
        "any: OME-Zarr plate, NGFF 0.4", "plate.zarr", "well_files", zarr_plate("0.4"),
        metadata="wells, fields, channels and names, z, pixel size", pixel_um=MICRON,
    ),
    "zarr_05": Made(
        "any: OME-Zarr plate, NGFF 0.5", "plate.zarr", "well_files", zarr_plate("0.5"),
        metadata="wells, fields, channels and names, z, pixel size", pixel_um=MICRON,
    ),
}  # fmt: skip
