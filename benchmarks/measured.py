"""Seconds and greatest resident memory of a command, in a process that has had no other child."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence

import click


def run_measured(words: Sequence[str], environment: Mapping[str, str] | None = None) -> dict[str, float]:
    """Run a command; its wall and CPU seconds, and its peak memory in MiB, as the kernel tells them.

    A small process starts it: the kernel counts the memory of whoever starts a process as that process's own,
    and the peak of all children that ever were as one figure.

    Raises
    ------
    click.ClickException
        If the command fails; with the end of what it wrote.
    """
    done = subprocess.run(
        [sys.executable, __file__, *words],
        env=os.environ | dict(environment or {}),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise click.ClickException(f"{words[1]} failed:\n{done.stderr[-2000:]}")
    return dict(json.loads(done.stdout))


if __name__ == "__main__":
    begin = time.perf_counter()
    code = subprocess.run(sys.argv[1:], stdout=sys.stderr, check=False).returncode
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(
        json.dumps(
            {
                "wall_s": round(time.perf_counter() - begin, 2),
                "cpu_s": round(used.ru_utime + used.ru_stime, 2),
                "peak_mib": round(used.ru_maxrss / 1024, 1),
            }
        )
    )
    sys.exit(code)
