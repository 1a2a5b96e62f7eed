#!/usr/bin/env python3
"""Seconds per field of a segmentation task, beside bare Cellpose with the same weights on the same images.

Both take turns, well by well, so that a busy machine slows both; each in a process of its own, since how
memory is kept is a matter of the process. Bare Cellpose is `CellposeModel.eval` with its own settings on the
images in memory, for cells and for nuclei; the task also reads the fields, completes cells, matches nuclei to
them, takes the border off, and writes masks, overlays and tables. Of bare Cellpose's time the part in the
network is given, whose convolutions both share.
"""

from __future__ import annotations

import json
import multiprocessing
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial
from pathlib import Path

import click
import numpy as np
import torch
from cellpose.models import CellposeModel
from cellpose.resnet_torch import CPnet

from morphodose.devices import choose_device
from morphodose.imaging.images import Field, read_field, read_labels, write_field
from morphodose.keys import field_images, parse_keys
from morphodose.segmentation.border import border_labels, without_labels
from morphodose.segmentation.common import SHIPPED
from morphodose.segmentation.engine import Engine, pair
from morphodose.segmentation.load import limit_threads
from morphodose.segmentation.network import Network, load_network
from morphodose.segmentation.score import Score, score
from morphodose.segmentation.weights import REGISTRY, SHIPPED_FOLDER
from morphodose.segmentation.well import SegmentationSettings
from morphodose.simulate.field import render_field
from segment_cells import segment_folder

#: Nucleus over cell, in the simulated fields.
NUCLEUS_TO_CELL = 0.45


def write_well(
    folder: Path, name: str, fields: int, size: int, diameter: float, seed: int
) -> dict[str, np.ndarray]:
    """Simulate the fields of a well as project_z writes them; the true cells by image."""
    truth = {}
    for i in range(1, fields + 1):
        # cells as dense as in the demo: 45 of 40 px in 360 x 360 px
        number = 45 * (size / 360 * 40 / diameter) ** 2
        field = render_field(
            np.random.default_rng([seed, i]), size=size, n_cells=number, cell_diameter=diameter
        )
        pixels = field.planes.max(axis=0)[[1, 2]]
        write_field(folder / f"{name}_Field_{i}.ome.tiff", Field(pixels, ("Hoechst", "CellMask"), 0.5))
        truth[f"{name}_Field_{i}"] = field.cells
    return truth


def timed(run: Callable[[], object]) -> np.ndarray:
    """Seconds that a call takes, by the clock on the wall and of the processor."""
    begin = np.array([time.perf_counter(), time.process_time()])
    run()
    return np.array([time.perf_counter(), time.process_time()]) - begin


class Peer:
    """Cellpose's own `eval` with a network of ours, and the processor time that the network takes."""

    def __init__(self, weights: Path, device: torch.device, threads: int, diameter: float) -> None:
        limit_threads(threads)
        Network.infer = CPnet.forward  # Cellpose's layers as Cellpose runs them, in the process of the peer
        network, meta = load_network(weights)
        own = float(str(meta["diam_mean"])) if "diam_mean" in meta else network.diam_mean.item()
        nuclei = float(str(meta.get("nuclei_diam_mean", own)))
        self.diameters = diameter, NUCLEUS_TO_CELL * diameter * own / nuclei
        self.model = CellposeModel(pretrained_model=False, device=device, diam_mean=own)
        self.model.net = network.to(device, memory_format=torch.channels_last)
        self.network_s = 0.0
        self.begun = 0.0
        network.register_forward_pre_hook(self._begin)
        network.register_forward_hook(self._end)

    def _begin(self, *_: object) -> None:
        self.begun = time.process_time()

    def _end(self, *_: object) -> None:
        self.network_s += time.process_time() - self.begun

    def segment(self, folder: Path, name: str) -> np.ndarray:
        """Seconds on a well, its images in memory: wall, processor, processor in the network."""
        fields = [read_field(path) for path in field_images(folder, name).values()]
        cells = [pair(field.channel("CellMask"), field.channel("Hoechst")) for field in fields]
        nuclei = [pair(field.channel("Hoechst")) for field in fields]
        self.network_s = 0.0

        def run() -> None:
            for images, diameter in zip((cells, nuclei), self.diameters, strict=True):
                self.model.eval(images, channel_axis=-1, diameter=diameter, batch_size=8)

        return np.append(timed(run), self.network_s)


def peer_segments(
    weights: Path, use_gpu: bool, threads: int, diameter: float, folder: Path, name: str
) -> np.ndarray:
    """Seconds of the peer of this process on a well."""
    return peer_of(weights, use_gpu, threads, diameter).segment(folder, name)


@cache
def peer_of(weights: Path, use_gpu: bool, threads: int, diameter: float) -> Peer:
    """The peer, made once."""
    return Peer(weights, choose_device(use_gpu), threads, diameter)


@click.command(context_settings={"show_default": True})
@click.option("--weights", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--wells", default=4)
@click.option("--fields", default=6, help="Of a well.")
@click.option("--size", default=360, help="Edge of a field in px.")
@click.option("--cell_diameter", default=40.0, help="Of the simulated cells, px.")
@click.option("--threads", default=0, help="CPU threads; 0 leaves it to the libraries.")
@click.option("--use_gpu", is_flag=True)
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Write the figures here too.")
def main(
    weights: Path | None,
    wells: int,
    fields: int,
    size: int,
    cell_diameter: float,
    threads: int,
    use_gpu: bool,
    json_path: Path | None,
) -> None:
    """Print seconds per field of the task and of bare Cellpose, their ratio, and the F1 of the cells."""
    limit_threads(threads)
    begin = time.perf_counter()
    device = choose_device(use_gpu)
    weights = weights or SHIPPED_FOLDER / REGISTRY[SHIPPED].file
    engine = Engine(weights, device)
    loading = time.perf_counter() - begin
    peer = ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))
    bare = partial(peer.submit, peer_segments, weights, use_gpu, threads, cell_diameter)
    settings = SegmentationSettings(diameter=cell_diameter, nuclei_diameter=NUCLEUS_TO_CELL * cell_diameter)
    seconds: dict[str, list[np.ndarray]] = {"task": [], "bare": []}
    agreement = Score(0.5, 0, 0, 0)
    with tempfile.TemporaryDirectory() as scratch:
        for number in range(wells + 1):
            acquisition, well = "Time_4hrs_R1", f"A{number + 1:02d}"
            name = f"{acquisition}_Well_{well}"
            folder, out = Path(scratch) / "images" / name, Path(scratch) / "out" / name
            truth = write_well(folder, name, fields, size, cell_diameter, number)
            entry = {
                "id": name,
                "plate": "P",
                "timepoint_h": 4,
                "replicate": "1",
                "acquisition": acquisition,
                "well": well,
            }
            keys = parse_keys(entry)

            channels = ("CellMask", "Hoechst")
            task = partial(segment_folder, folder, keys, channels, engine, engine, settings, out)
            if number % 2:
                times = {"task": timed(task), "bare": bare(folder, name).result()}
            else:
                times = {"bare": bare(folder, name).result(), "task": timed(task)}
            if number == 0:
                continue  # the first well pays for compilation and caches
            for kind, value in times.items():
                seconds[kind].append(value / fields)
            for image, cells in truth.items():
                found = read_labels(out / f"{image}_cells.tif")
                agreement += score(without_labels(cells, border_labels(cells)), found)[0]
    (task_s, task_cpu), (bare_s, bare_cpu, network_cpu) = (
        np.mean(seconds[kind], axis=0) for kind in ("task", "bare")
    )
    cells_s = (agreement.true_positives + agreement.false_positives) / (wells * fields) / task_s
    figures = {
        "step": "segment_cells",
        "fields": wells * fields,
        "size_px": size,
        "cell_diameter_px": cell_diameter,
        "seconds_per_field": round(float(task_s), 4),
        "seconds_per_field_bare_cellpose": round(float(bare_s), 4),
        "processor_seconds_per_field": round(float(task_cpu), 3),
        "of_bare_cellpose": round(float(task_s / bare_s), 3),
        "of_bare_cellpose_in_processor_time": round(float(task_cpu / bare_cpu), 3),
        "network_of_bare_cellpose_in_processor_time": round(float(network_cpu / bare_cpu), 3),
        "cells_per_second": round(float(cells_s), 1),
        "seconds_to_load_the_weights": round(loading, 2),
        "f1_cells": round(agreement.f1, 3),
        "threads": torch.get_num_threads(),
        "device": str(device),
    }
    for key, value in figures.items():
        click.echo(f"{key:43s} {value}")
    if json_path:
        json_path.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
