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
from typing import Any

import torch
from lightning.fabric import Fabric

from morphodose.deep.batchnorm import share_statistics
from morphodose.deep.checkpoint import Checkpoints
from morphodose.deep.data import CropBatch, CropDataset, EpochBatches, crop_loader
from morphodose.deep.heads import loss
from morphodose.deep.network import Network, prepare
from morphodose.deep.optimise import make_optimizer, make_schedule
from morphodose.deep.predict import Predicted, predict
from morphodose.deep.processes import cluster_environment, data_parallel, end_with_parent, summed
from morphodose.deep.recipe import Recipe
from morphodose.errors import InputError

#: Seconds between two lines of progress.
PROGRESS = 30.0

#: Batches after which several processes ask the first whether a checkpoint is due.
ASK = 50


@dataclass(frozen=True)
class Machine:
    """Where and how a training runs; of all this the number format alone changes the result.

    With another number of processes sums are rounded otherwise, and their last digits differ.

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


def choose_precision(machine: Machine) -> str:
    """Mixed precision where the device has it: bfloat16, else float16 on a GPU; float32 on a CPU."""
    if machine.precision != "auto":
        return machine.precision
    if not machine.use_gpu:
        return "32-true"
    return "bf16-mixed" if torch.cuda.is_bf16_supported(including_emulation=False) else "16-mixed"


def make_fabric(machine: Machine) -> Fabric:
    """Fabric for a machine, launched; with several devices of a node it starts a process for each.

    Raises
    ------
    InputError
        If there are fewer GPUs than were asked for.
    """
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
    environment = cluster_environment(machine.devices, machine.nodes)
    several = machine.devices * machine.nodes > 1
    fabric = Fabric(
        accelerator="cuda" if machine.use_gpu else "cpu",
        devices=machine.devices,
        num_nodes=machine.nodes,
        strategy=data_parallel(environment) if several else "auto",
        precision=choose_precision(machine),  # type: ignore[arg-type] # one of Fabric's names
        # named, so that Lightning does not take any batch job of SLURM for one that srun has started
        plugins=None if several else [environment],
    )
    end_with_parent()
    fabric.launch()
    return fabric


def epoch_batches(count: int, recipe: Recipe, fabric: Fabric) -> EpochBatches:
    """Batches of this process; together the processes take the recipe's batch size a step."""
    size = max(1, min(recipe.batch_size, count) // fabric.world_size)
    return EpochBatches(count, size, recipe.seed, True, fabric.global_rank, fabric.world_size)


class Training:
    """A network with its optimiser, its data and how far it has come.

    Parameters
    ----------
    fabric : Fabric
        Launched.
    network, recipe : Network, Recipe
        What to train and how.
    data : CropDataset
        Training cells.
    machine : Machine
        Workers and the time between checkpoints.
    checkpoints : Checkpoints or None
        Where to go on from; None keeps none.
    say : callable
        Takes lines of progress.

    Attributes
    ----------
    epoch : int
        Epochs that are done.
    log : list of dict
        A row for each of them.
    """

    def __init__(
        self,
        fabric: Fabric,
        network: Network,
        recipe: Recipe,
        data: CropDataset,
        machine: Machine,
        checkpoints: Checkpoints | None,
        say: Callable[[str], None],
    ) -> None:
        self.fabric, self.network, self.recipe = fabric, network, recipe
        self.machine, self.checkpoints, self.say = machine, checkpoints, say
        if fabric.world_size > 1:
            share_statistics(network, fabric.device)
        network.to(fabric.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.optimizer = make_optimizer(network, recipe.optimizer, recipe.learning_rate, recipe.weight_decay)
        self.batches = epoch_batches(len(data), recipe, fabric)
        self.schedule = make_schedule(self.optimizer, recipe.epochs * len(self.batches))
        self.model, self.stepper = fabric.setup(network, self.optimizer)
        self.loader = crop_loader(data, self.batches, machine.workers, pin=fabric.device.type == "cuda")
        self.epoch = 0
        self.log: list[dict[str, float]] = []
        # of the epoch so far and of this process; it stays on the device, which is not made to wait for it
        self.total = torch.zeros((), dtype=torch.float64, device=fabric.device)
        self.rate = math.nan  # of the last step, at the head
        self.seconds = 0.0
        self.saved = self.spoken = time.monotonic()

    @property
    def images_a_step(self) -> int:
        """Images in a step of all processes."""
        return self.batches.batch_size * self.batches.world

    def restore(self) -> None:
        """Go on from the last checkpoint, if there is one.

        Raises
        ------
        InputError
            If the processes do not find the same checkpoint.
        """
        state = self.checkpoints.load() if self.checkpoints else None
        mine = (state["epoch"], state["batch"]) if state else None
        first = self.fabric.broadcast(mine)
        if self.checkpoints and mine != first:
            raise InputError(
                f"{self.checkpoints.folder}: process {self.fabric.global_rank} finds {mine} (epoch, batch), "
                f"the first {first}. --checkpoints must be a folder that all nodes see alike"
            )
        if not state:
            return
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.schedule.load_state_dict(state["schedule"])
        self.fabric.strategy.precision.load_state_dict(state["scaling"])
        # that of all processes; the sum over them has it once
        if self.fabric.is_global_zero:
            self.total.copy_(state["total"])
        self.epoch, self.batches.start = state["epoch"], state["batch"]
        self.seconds, self.log = state["seconds"], state["log"]
        self.say(f"going on after {self.epoch} epochs and {self.batches.start} batches")

    def save(self, batch: int) -> None:
        """Write a checkpoint before a batch of the epoch, by the first process; the others wait."""
        total = summed(self.total)
        if self.checkpoints and self.fabric.is_global_zero:
            state: dict[str, Any] = {
                "network": self.network.state_dict(),
                "optimizer": self.optimizer.state_dict(),
                "schedule": self.schedule.state_dict(),
                "scaling": self.fabric.strategy.precision.state_dict(),
                "total": total,
                "seconds": self.seconds,
                "log": self.log,
            }
            self.checkpoints.save(self.epoch, batch, state)
        self.fabric.barrier()
        self.saved = time.monotonic()

    def averaged(self, tensor: torch.Tensor) -> torch.Tensor:
        """Mean over all processes."""
        return summed(tensor) / self.fabric.world_size

    def run_epoch(self) -> dict[str, float]:
        """The rest of the epoch; its row of the log, without what is held out.

        Raises
        ------
        InputError
            If the loss is no longer finite.
        """
        self.batches.epoch, before, begin = self.epoch, self.seconds, time.monotonic()
        self.model.train()
        for number, batch in enumerate(self.loader, start=self.batches.start + 1):
            self.step(batch)
            self.seconds = before + time.monotonic() - begin
            if number < len(self.batches):
                self.pause(number)
        self.batches.start = 0
        count = len(self.batches)
        mean = float(self.averaged(self.total)) / count
        if not math.isfinite(mean):
            raise InputError(
                f"the loss is {mean} in epoch {self.epoch + 1}: the training diverged. Give a lower "
                f"--learning_rate than {self.recipe.learning_rate:g}"
            )
        self.total.zero_()
        self.seconds = before + time.monotonic() - begin  # the mean has waited for the device
        return {
            "Epoch": self.epoch + 1,
            "Step": (self.epoch + 1) * count,
            "LR": self.rate,
            "Loss_Train": mean,
        }

    def step(self, batch: CropBatch) -> None:
        """One step of the optimiser."""
        _, logits = self.model(prepare(batch.crops, self.recipe, self.fabric.device))
        targets = batch.targets.to(self.fabric.device, non_blocking=True)
        value = loss(logits, targets, self.recipe, self.averaged)
        self.fabric.backward(value)
        if self.recipe.clip:
            self.fabric.clip_gradients(
                self.model, self.stepper, max_norm=self.recipe.clip, error_if_nonfinite=False
            )
        self.stepper.step()
        self.rate = float(
            self.schedule.get_last_lr()[-1]
        )  # that of this step; the schedule then has the next
        self.schedule.step()
        self.stepper.zero_grad()
        self.total += value.detach()

    def pause(self, number: int) -> None:
        """Between two batches: say how far it is, and save if that is due."""
        now = time.monotonic()
        if now - self.spoken > PROGRESS:
            self.spoken = now
            rate = number * self.images_a_step / max(self.seconds, 1e-9)
            self.say(
                f"epoch {self.epoch + 1} of {self.recipe.epochs}, batch {number} of {len(self.batches)}: "
                f"loss {float(self.total) / number:.4f}, {rate:.1f} images/s"
            )
        due = 0 < self.machine.checkpoint_minutes * 60 < now - self.saved
        # several processes must agree, which costs a message: they ask now and then
        asked = self.checkpoints is not None and (self.fabric.world_size == 1 or number % ASK == 0)
        if asked and self.fabric.broadcast(due):
            self.save(number)

    def finish_epoch(self, row: dict[str, float], held_out: Predicted) -> None:
        """Log an epoch and save."""
        row["Loss_HeldOut"] = held_out.loss
        for label, right in held_out.accuracy.items():
            row[f"Accuracy_{label.capitalize()}_HeldOut"] = right
        row["Seconds"] = self.seconds
        row["ImagesPerSecond"] = len(self.batches) * self.images_a_step / max(self.seconds, 1e-9)
        self.log.append(row)
        shown = ", ".join(f"{name} {value:.4g}" for name, value in row.items() if name != "Epoch")
        self.say(f"epoch {row['Epoch']} of {self.recipe.epochs}: {shown}")
        self.epoch, self.seconds = self.epoch + 1, 0.0
        self.save(0)


def fit(
    fabric: Fabric,
    network: Network,
    recipe: Recipe,
    train: CropDataset,
    held_out: CropDataset,
    machine: Machine,
    checkpoints: Checkpoints | None,
    say: Callable[[str], None],
) -> list[dict[str, float]]:
    """Train a network in place, from its last checkpoint if there is one; its log, one row per epoch.

    `train` holds the training cells with their changes, `held_out` unchanged cells for the curve, by which
    nothing is chosen. The other parameters are those of `Training`.

    Raises
    ------
    InputError
        If the loss is not a number.
    """
    training = Training(fabric, network, recipe, train, machine, checkpoints, say)
    training.restore()
    while training.epoch < recipe.epochs:
        row = training.run_epoch()
        training.finish_epoch(row, evaluate(fabric, network, held_out, recipe, machine))
    return training.log


def evaluate(
    fabric: Fabric,
    network: Network,
    data: CropDataset,
    recipe: Recipe,
    machine: Machine,
) -> Predicted:
    """Predict cells on the devices of a fabric, by all its processes together."""
    part = (fabric.global_rank, fabric.world_size)
    return predict(network, data, recipe, fabric.device, fabric.autocast, machine.workers, part)
