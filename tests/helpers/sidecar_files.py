"""Metadata as instruments write them beside their images: short, in the form of the real files.

Every field lies 100 µm times its number to the right, and every image is 60 s later than the one before.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tifffile

MICRON = 0.325
STAINS = ("HOECHST 33342", "Alexa 568 Phalloidin")


def _images(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in (".tif", ".tiff"))


def _numbers(path: Path) -> dict[str, int]:
    """Row, column, field, z and channel of a Harmony name."""
    keys = ("row", "col", "field", "z", "channel")
    found = re.search(r"r(\d+)c(\d+)f(\d+)p(\d+)-ch(\d+)", path.name)
    assert found
    return dict(zip(keys, map(int, found.groups()), strict=True))


def harmony(version: int, name: str) -> Callable[[Path], None]:
    """An index of Harmony: with what holds for a channel in each image (5), or once in a map (6, 7)."""

    def channel(number: int) -> str:
        waves = ((375, 456), (550, 610))[number - 1]
        return (
            f"<ChannelName>{STAINS[number - 1]}</ChannelName><ImageResolutionX Unit='m'>{MICRON * 1e-6:.6E}</ImageResolutionX>"
            f"<MainExcitationWavelength Unit='nm'>{waves[0]}</MainExcitationWavelength>"
            f"<MainEmissionWavelength Unit='nm'>{waves[1]}</MainEmissionWavelength>"
        )

    def write(folder: Path) -> None:
        images = []
        for position, path in enumerate(_images(folder)):
            at = _numbers(path)
            images.append(
                f"<Image Version='1'><id>{position}</id><State>Ok</State><URL>{path.name}</URL><Row>{at['row']}</Row>"
                f"<Col>{at['col']}</Col><FieldID>{at['field']}</FieldID><PlaneID>{at['z']}</PlaneID><TimepointID>0</TimepointID>"
                f"<ChannelID>{at['channel']}</ChannelID>{channel(at['channel']) if version == 5 else ''}"
                f"<PositionX Unit='m'>{at['field'] * 1e-4:g}</PositionX><PositionY Unit='m'>0</PositionY>"
                f"<MeasurementTimeOffset Unit='s'>{60 * position}</MeasurementTimeOffset></Image>"
            )
        maps = "".join(f"<Entry ChannelID='{n}'>{channel(n)}</Entry>" for n in (1, 2))
        space = {
            5: "http://www.perkinelmer.com/PEHH/HarmonyV5", 6: "http://www.perkinelmer.com/PEHH/HarmonyV6",
            7: "43B2A954-E3C3-47E1-B392-6635266B0DD3/HarmonyV7",
        }[version]  # fmt: skip
        text = (
            f"<?xml version='1.0' encoding='utf-8'?><EvaluationInputData xmlns='{space}' Version='1'>"
            "<InstrumentType>Phenix</InstrumentType><Plates><Plate><PlateID>X1</PlateID><Name>X1</Name>"
            "<PlateTypeName>384 PhenoPlate</PlateTypeName><PlateRows>16</PlateRows><PlateColumns>24</PlateColumns>"
            f"<Well id='0202'/></Plate></Plates>{'' if version == 5 else f'<Maps><Map>{maps}</Map></Maps>'}"
            f"<Images>{''.join(images)}</Images></EvaluationInputData>"
        )
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8-sig")

    return write


def yokogawa(folder: Path) -> None:
    """``.mrf``, ``.mlf`` and ``.mes`` beside the images of a CV8000 or CQ1."""
    space = "xmlns:bts='http://www.yokogawa.co.jp/BTS/BTSSchema/1.0'"
    records = []
    for position, path in enumerate(_images(folder)):
        if found := re.search(r"_([A-Z])(\d\d)_T(\d+)F(\d+)L(\d+)A(\d+)Z(\d+)C(\d+)", path.name):
            row, col, time, field, line, action, z, channel = found.groups()
        else:
            found = re.search(r"W(\d+)F(\d+)T(\d+)Z(\d+)C(\d+)", path.name)
            assert found
            number, field, time, z, channel = found.groups()
            row, col, line, action = chr(65 + (int(number) - 1) // 12), (int(number) - 1) % 12 + 1, 1, 1
        records.append(
            f"<bts:MeasurementRecord bts:Type='IMG' bts:Time='2024-05-02T10:{position:02d}:00.1234567+02:00' "
            f"bts:Column='{int(col)}' bts:Row='{ord(row) - 64}' bts:TimePoint='{int(time)}' bts:FieldIndex='{int(field)}' "
            f"bts:ZIndex='{int(z)}' bts:TimelineIndex='{int(line)}' bts:ActionIndex='{int(action)}' bts:Action='3D' "
            f"bts:X='{int(field) * 100}' bts:Y='0' bts:Z='0' bts:Ch='{int(channel)}'>{path.name}</bts:MeasurementRecord>"
        )
    records.append(
        "<bts:MeasurementRecord bts:Type='ERR' bts:Time='2024-05-02T10:59:00+02:00'>101</bts:MeasurementRecord>"
    )
    (folder / "MeasurementData.mlf").write_text(
        f"<?xml version='1.0' encoding='utf-8'?><bts:MeasurementData {space}>{''.join(records)}</bts:MeasurementData>"
    )
    channels = "".join(
        f"<bts:MeasurementChannel bts:Ch='{n}' bts:HorizontalPixelDimension='{MICRON}' bts:VerticalPixelDimension='{MICRON}'/>"
        for n in (1, 2)
    )
    (folder / "MeasurementDetail.mrf").write_text(
        f"<?xml version='1.0' encoding='utf-8'?><bts:MeasurementDetail {space} bts:MeasurementSettingFileName='Screen.mes' "
        f"bts:ColumnCount='12' bts:RowCount='8'><bts:MeasurementSamplePlate bts:Name='X1'/>{channels}</bts:MeasurementDetail>",
        encoding="utf-8-sig",
    )
    (folder / "Screen.mes").write_text(
        f"<?xml version='1.0' encoding='utf-8'?><bts:MeasurementSetting {space}><bts:ChannelList>"
        "<bts:Channel bts:Ch='1' bts:Target='405' bts:Acquisition='BP445/45' bts:Method='Confocal' bts:Fluorophore='Hoechst'/>"
        "<bts:Channel bts:Ch='2' bts:Target='561' bts:Acquisition='BP600/37' bts:Method='Confocal' bts:Fluorophore=''/>"
        "</bts:ChannelList></bts:MeasurementSetting>"
    )


def metaxpress(folder: Path) -> None:
    """An ``.HTD`` of the plate, and MetaMorph's text in each TIFF."""
    (folder / "S.HTD").write_text(
        '"HTSInfoFile", Version 1.0\r\n"Description", "a, b"\r\n"PlateType", 6\r\n"TimePoints", 1\r\n"XWells", 12\r\n"YWells", 8\r\n'
        '"WellsSelection1", FALSE, TRUE\r\n"NWavelengths", 2\r\n"WaveName1", "DAPI"\r\n"WaveName2", "TxRed-Conf"\r\n"EndFile"\r\n'
    )
    for path in _images(folder):
        text = (
            '<MetaData>\n<prop id="ApplicationName" type="string" value="MetaMorph"/>\n<PlaneInfo>\n'
            '<prop id="spatial-calibration-state" type="bool" value="on"/>\n'
            f'<prop id="spatial-calibration-x" type="float" value="{MICRON}"/>\n'
            '<prop id="spatial-calibration-units" type="string" value="um"/>\n'
            '<prop id="wavelength" type="float" value="447"/>\n</PlaneInfo></MetaData>'
        )
        _described(path, text)


def gen5(folder: Path) -> None:
    """Gen5's text in each TIFF."""
    for path in _images(folder):
        stain = "GFP 469,525" if "GFP" in path.name else "DAPI 377,447"
        _described(
            path,
            f'<BTIImageMetaData><ImageAcquisition><Channel Color="{stain}"></Channel><PixelWidth>{16}</PixelWidth>'
            f"<ImageWidthMicrons>{16 * MICRON}</ImageWidthMicrons></ImageAcquisition></BTIImageMetaData>",
        )


def _described(path: Path, text: str) -> None:
    pixels = np.asarray(tifffile.imread(path))
    tifffile.imwrite(path, pixels, photometric="minisblack", metadata=None, description=text)


def xdce(folder: Path) -> None:
    """The ``.xdce`` of an IN Cell."""
    images = []
    for position, path in enumerate(_images(folder)):
        found = re.search(r"^([A-Z]) - (\d+)\(fld (\d+) wv (\S+)", path.name)
        assert found
        row, col, field, wave = found.groups()
        images.append(
            f"<Image filename='{path.name}' acquisition_time_ms='{60_000 * position}'><Well label='{row} - {col}'/>"
            f"<Identifier field_index='{int(field) - 1}' wave_index='{0 if wave == 'DAPI' else 1}' z_index='0' time_index='0'/>"
            f"<OffsetFromWellCenter x='{int(field) * 100}' y='0' units='um'/></Image>"
        )
    waves = "".join(
        f"<Wavelength index='{n}'><ExcitationFilter name='{name}' wavelength='{exciting}'/>"
        f"<EmissionFilter name='{name}' wavelength='{emitted}'/></Wavelength>"
        for n, (name, exciting, emitted) in enumerate((("DAPI", 390, 435), ("Cy3", 543, 605)))
    )
    (folder / "screen.xdce").write_text(
        "<?xml version='1.0'?><ImageStack xmlns='urn:x'><AutoLeadAcquisitionProtocol><Plate name='X1' rows='8' columns='12'/>"
        f"<ObjectiveCalibration pixel_width='{MICRON}' pixel_height='{MICRON}'/><Wavelengths>{waves}</Wavelengths>"
        f"</AutoLeadAcquisitionProtocol><Images>{''.join(images)}</Images></ImageStack>"
    )


def ome_xml(name: str, pattern: str, channels: tuple[str, str] = STAINS) -> Callable[[Path], None]:
    """OME-XML beside single planes; the last number of a name that fits `pattern` is the channel."""

    def write(folder: Path) -> None:
        blocks = []
        for position, path in enumerate(_images(folder)):
            found = re.search(pattern, path.name)
            assert found
            named = "".join(
                f"<Channel ID='Channel:{position}:{n}' Name='{one}'/>" for n, one in enumerate(channels)
            )
            at = channels.index(found[1]) if found[1] in channels else int(found[1]) - 1
            blocks.append(
                f"<Image ID='Image:{position}'><Pixels ID='P:{position}' PhysicalSizeX='{MICRON}' PhysicalSizeXUnit='µm'>{named}"
                f"<TiffData FirstC='{at}' IFD='0'><UUID FileName='{path.name}'>urn:uuid:{position}</UUID></TiffData></Pixels></Image>"
            )
        (folder / name).write_text(
            "<?xml version='1.0' encoding='UTF-8'?><OME xmlns='http://www.openmicroscopy.org/Schemas/OME/2016-06'>"
            f"<Plate ID='Plate:0' Rows='8' Columns='12'/>{''.join(blocks)}</OME>",
            encoding="utf-8",
        )

    return write
