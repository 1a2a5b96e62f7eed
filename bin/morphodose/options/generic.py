"""Parameters of the pipeline: generic."""

from __future__ import annotations

from morphodose.options.option import Group, Option

HELP = Option("help", "flag", False, help="Print this text and exit.")
FORCE_UNLOCK = Option(
    "force_unlock",
    "flag",
    False,
    help="Take over the lock of --outdir from a run on another host that no longer exists; the refused "
    "run's message names it.",
)
DRY_RUN = Option(
    "dry_run",
    "flag",
    False,
    help="Print the tasks, core-hours, GPU-hours and storage that this screen would take, and run nothing."
    " GPU-hours need --dry_run_results of a run with --use_gpu, since no rates for a GPU are shipped.",
)
DRY_RUN_RESULTS = Option(
    "dry_run_results",
    "folder",
    None,
    exists=True,
    help="With --dry_run: results folder of an earlier run on this machine, whose trace gives the rates "
    "instead of assets/rates.csv.",
)

GROUP = Group(
    "generic",
    "Generic",
    (
        HELP,
        FORCE_UNLOCK,
        DRY_RUN,
        DRY_RUN_RESULTS,
    ),
)
