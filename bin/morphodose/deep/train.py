"""The training loop, on Lightning Fabric, interrupted at any time and going on to the same end.

Fabric is the lean half of Lightning, a library that others keep: devices, data-parallel training over
several GPUs and nodes (under SLURM too), mixed precision with its gradient scaling, gradient clipping. The
loop stays here, in sight, since an interrupted run must end with the numbers of an undisturbed one:
Lightning's Trainer guesses from its counters where in an epoch it was and leaves the data to the user;
this loop knows it. All that is random is a function of (seed, epoch, index), see `morphodose.deep.data`.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import torch
from lightning.fabric import Fabric
from lightning.fabric.plugins.environments.lightning import LightningEnvironment

from morphodose.deep.checkpoint import Checkpoints
from morphodose.deep.data import CropDataset, EpochBatches, crop_loader
from morphodose.deep.heads import loss
from morphodose.deep.network import Network, prepare
from morphodose.deep.optimise import make_optimizer, make_schedule
from morphodose.deep.predict import Predicted, predict
from morphodose.deep.recipe import Recipe
from morphodose.errors import InputError

#: Largest norm of the gradient.
CLIP = 1.0

#: Seconds between two lines of progress.
PROGRESS = 30.0

#: Batches after which several processes ask the first whether a checkpoint is due.
ASK = 50


@dataclass(frozen=True)
class Machine:
    """Where and how a training runs; none of it but the number format and processes changes the result.

    Attributes
    ----------
    use_gpu : bool
        On CUDA GPUs, which must be there; else on the CPU.
    devices, nodes : int
        GPUs (or CPU processes) a node, and nodes.
    precision : str
        ``auto``, or a format of Fabric: ``32-true``, ``bf16-mixed``, ``16-mixed``.
    workers : int
        Processes a device that read crops; 0 reads in the training process.
    checkpoint_minutes : float
        Between two checkpoints within an epoch; 0 writes them between epochs only.
    deterministic : bool
        On a GPU, refuse operations whose result differs from run to run.
    """

    use_gpu: bool = False
    devices: int = 1
    nodes: int = 1
    precision: str = "auto"
    workers: int = 0
    checkpoint_minutes: float = 10.0
    deterministic: bool = False


@dataclass(frozen=True)
class Fitted:
    """A trained network and its log, one row an epoch."""

    network: Network
    log: list[dict[str, float]]


def choose_precision(machine: Machine) -> str:
    """Mixed precision where the device has it: bfloat16, else float16 on a GPU; float32 on a CPU."""
    if machine.precision != "auto":
        return machine.precision
    if not machine.use_gpu:
        return "32-true"
    return "bf16-mixed" if torch.cuda.is_bf16_supported(including_emulation=False) else "16-mixed"


def make_fabric(machine: Machine) -> Fabric:
    """Fabric for a machine, launched; with several devices it starts a process for each."""
    if machine.use_gpu and torch.cuda.device_count() < machine.devices:
        raise InputError(
            f"--devices {machine.devices}, but PyTorch {torch.__version__} sees "
            f"{torch.cuda.device_count()} GPUs"
        )
    if machine.deterministic:
        torch.use_deterministic_algorithms(True)
    torch.backends.cudnn.benchmark = not machine.deterministic
    if machine.use_gpu:
        torch.set_float32_matmul_precision("high")
    fabric = Fabric(
        accelerator="cuda" if machine.use_gpu else "cpu",
        devices=machine.devices,
        num_nodes=machine.nodes,
        strategy="ddp" if machine.devices * machine.nodes > 1 else "auto",
        precision=choose_precision(machine),  # type: ignore[arg-type] # one of Fabric's names
        # one node: our own processes, also inside a batch job of SLURM; several: what the scheduler started
        plugins=[LightningEnvironment()] if machine.nodes == 1 else None,
    )
    fabric.launch()
    return fabric


def epoch_batches(count: int, recipe: Recipe, fabric: Fabric) -> EpochBatches:
    """Batches of this process; together the processes take the recipe's batch size a step."""
    size = max(1, min(recipe.batch_size, count) // fabric.world_size)
    return EpochBatches(count, size, recipe.seed, True, fabric.global_rank, fabric.world_size)


def fit(
    fabric: Fabric,
    network: Network,
    recipe: Recipe,
    train: CropDataset,
    held_out: CropDataset,
    machine: Machine,
    checkpoints: Checkpoints | None,
    say: Callable[[str], None],
) -> Fitted:
    """Train a network, from its last checkpoint if there is one.

    Parameters
    ----------
    fabric : Fabric
        Launched.
    network, recipe : Network, Recipe
        What to train and how.
    train, held_out : CropDataset
        Training cells (with changes), and unchanged held-out cells for the curve; nothing is chosen by it.
    machine : Machine
        Workers and the time between checkpoints.
    checkpoints : Checkpoints or None
        Where to go on from; None keeps none.
    say : callable
        Takes lines of progress.

    Raises
    ------
    InputError
        If the loss is no number.
    """
    network.to(fabric.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = make_optimizer(network, recipe.optimizer, recipe.learning_rate, recipe.weight_decay)
    batches = epoch_batches(len(train), recipe, fabric)
    schedule = make_schedule(optimizer, recipe.epochs * len(batches))
    model, stepper = fabric.setup(network, optimizer)
    loader = crop_loader(train, batches, machine.workers, pin=fabric.device.type == "cuda")
    scaling = fabric.strategy.precision
    total = torch.zeros((), dtype=torch.float64, device=fabric.device)
    log: list[dict[str, float]] = []
    first, seconds = 0, 0.0

    def save(epoch: int, batch: int) -> None:
        """Write a checkpoint before a batch, by the first process; the others wait."""
        if checkpoints and fabric.is_global_zero:
            state: dict[str, Any] = {
                "network": network.state_dict(),
                "optimizer": optimizer.state_dict(),
                "schedule": schedule.state_dict(),
                "scaling": scaling.state_dict(),
                "total": total,
                "seconds": seconds,
                "log": log,
            }
            checkpoints.save(epoch, batch, state)
        fabric.barrier()

    if checkpoints and (state := checkpoints.load()):
        network.load_state_dict(state["network"])
        optimizer.load_state_dict(state["optimizer"])
        schedule.load_state_dict(state["schedule"])
        scaling.load_state_dict(state["scaling"])
        total.copy_(state["total"])
        first, batches.start, seconds, log = state["epoch"], state["batch"], state["seconds"], state["log"]
        say(f"going on after {first} epochs and {batches.start} batches, from {checkpoints.folder}")

    saved = spoken = time.monotonic()
    for epoch in range(first, recipe.epochs):
        batches.epoch, begin, before = epoch, time.monotonic(), seconds
        model.train()
        number = batches.start
        for number, batch in enumerate(loader, start=batches.start + 1):
            images = prepare(batch.crops, recipe, fabric.device)
            _, logits = model(images)
            value = loss(logits, batch.targets.to(fabric.device, non_blocking=True), recipe)
            fabric.backward(value)
            fabric.clip_gradients(model, stepper, max_norm=CLIP, error_if_nonfinite=False)
            stepper.step()
            schedule.step()
            stepper.zero_grad()
            total += value.detach()
            now = time.monotonic()
            seconds = before + now - begin
            if now - spoken > PROGRESS:
                spoken = now
                rate = number * batches.batch_size * batches.world / max(seconds, 1e-9)
                say(
                    f"epoch {epoch + 1} of {recipe.epochs}, batch {number} of {len(batches)}: "
                    f"loss {float(total) / number:.4f}, {rate:.1f} images/s"
                )
            due = 0 < machine.checkpoint_minutes * 60 < now - saved
            # several processes must agree, which costs a message: they ask now and then
            asked = bool(checkpoints) and (fabric.world_size == 1 or number % ASK == 0)
            if number < len(batches) and asked and fabric.broadcast(due):
                save(epoch, number)
                saved = time.monotonic()
        batches.start = 0
        mean = float(cast(torch.Tensor, fabric.all_reduce(total / number, reduce_op="mean")))
        if not math.isfinite(mean):
            raise InputError(
                f"the loss is {mean} in epoch {epoch + 1}: the training diverged. Give a lower "
                f"--learning_rate than {recipe.learning_rate:g}"
            )
        images_seen = number * batches.batch_size * batches.world
        row = {
            "Epoch": epoch + 1,
            "Step": (epoch + 1) * len(batches),
            "LR": float(schedule.get_last_lr()[-1]),
            "Loss_Train": mean,
        }
        if fabric.is_global_zero:
            found = evaluate(fabric, network, held_out, recipe, machine)
            row["Loss_HeldOut"] = found.loss
            row |= {
                f"Accuracy_{label.capitalize()}_HeldOut": value for label, value in found.accuracy.items()
            }
        row |= {"Seconds": seconds, "ImagesPerSecond": images_seen / max(seconds, 1e-9)}
        log.append(row)
        say(f"epoch {epoch + 1} of {recipe.epochs}: " + ", ".join(f"{k} {v:.4g}" for k, v in row.items()))
        total.zero_()
        seconds = 0.0
        save(epoch + 1, 0)
        saved = time.monotonic()
    return Fitted(network, log)


def evaluate(
    fabric: Fabric,
    network: Network,
    data: CropDataset,
    recipe: Recipe,
    machine: Machine,
    say: Callable[[int], None] | None = None,
) -> Predicted:
    """Predict cells on the device of a fabric."""
    return predict(network, data, recipe, fabric.device, fabric.autocast, machine.workers, say)
