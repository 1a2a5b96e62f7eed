"""Several processes of one training: who starts them, who they are, and that none outlives the others.

One process per device, on one node or several. Those of a node are started by the first of them
(Lightning), and the first of each node by the user or by ``srun``; or ``srun`` starts them all. A process
that fails ends the others: Lightning's first process looks after those it started, these look after it
(`end_with_parent`), and ``srun --kill-on-bad-exit`` after the nodes. What is alive but does not answer ends
by `TIMEOUT`.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import MutableMapping
from datetime import timedelta

import torch
from lightning.fabric.plugins.environments.cluster_environment import ClusterEnvironment
from lightning.fabric.plugins.environments.lightning import LightningEnvironment
from lightning.fabric.plugins.environments.slurm import SLURMEnvironment
from lightning.fabric.strategies.ddp import DDPStrategy

from morphodose.errors import InputError

#: How long a process waits for the others. The first alone tests learning rates, which takes minutes.
TIMEOUT = timedelta(hours=1)

#: Seconds between two looks at the process that started this one.
LOOK = 1.0


def cluster_environment(
    devices: int, nodes: int, variables: MutableMapping[str, str] = os.environ
) -> ClusterEnvironment:
    """Who starts the processes of a training, and how they find each other.

    What counts is the job step, of ``srun``: a batch job without one is a single process, whatever it has
    asked for. Several nodes with a process each need to know where the first is; that goes into `variables`,
    where Lightning looks for it.

    Raises
    ------
    InputError
        If the number of processes or nodes is not that of the options.
    """
    tasks, step_nodes = (int(variables.get(f"SLURM_STEP_NUM_{what}", 1)) for what in ("TASKS", "NODES"))
    world = devices * nodes
    if world == 1 or (nodes == 1 and tasks == 1):
        return LightningEnvironment()
    if step_nodes == nodes and tasks == world:
        # Nextflow submits again what was preempted, not the job itself
        return SLURMEnvironment(auto_requeue=False)
    if step_nodes == nodes and tasks == nodes:
        first = SLURMEnvironment.resolve_root_node_address(variables["SLURM_STEP_NODELIST"])
        variables.setdefault("MASTER_ADDR", first)
        # all nodes know the job; two jobs seldom meet on a node with equal last digits
        variables.setdefault("MASTER_PORT", str(15000 + int(variables["SLURM_JOB_ID"]) % 10000))
        variables["NODE_RANK"] = variables["SLURM_NODEID"]
        return LightningEnvironment()
    raise InputError(
        f"--devices {devices} --num_nodes {nodes}, but this was started {tasks} times on {step_nodes} nodes: "
        f"start it on each node, by srun --nodes={nodes} --ntasks={nodes} --ntasks-per-node=1"
    )


def data_parallel(environment: ClusterEnvironment) -> DDPStrategy:
    """Data-parallel training of the processes of an environment.

    The buffers, which are those of batch normalisation, are alike in all (`morphodose.deep.batchnorm`): they
    need not be sent at each step.
    """
    return DDPStrategy(cluster_environment=environment, timeout=TIMEOUT, broadcast_buffers=False)


def summed(tensor: torch.Tensor) -> torch.Tensor:
    """Sum over all processes, without gradient; the tensor itself where there is one process.

    Fabric's own waits for all processes, and for the GPU, at each call.
    """
    if not torch.distributed.is_initialized():
        return tensor
    total = tensor.detach().clone(memory_format=torch.contiguous_format)
    torch.distributed.all_reduce(total)
    return total


def end_with_parent() -> None:
    """In a process that Lightning has started: end as soon as the one that did so has.

    Were it killed, the others would keep their GPUs, waiting for it until `TIMEOUT`.
    """
    if int(os.environ.get("LOCAL_RANK", 0)) > 0:
        threading.Thread(target=_watch, args=(os.getppid(),), daemon=True, name="parent-observer").start()


def _watch(parent: int) -> None:
    """Wait for the parent's end, and end."""
    while os.getppid() == parent:
        time.sleep(LOOK)
    os._exit(1)
