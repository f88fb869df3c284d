"""Commands run in processes of their own, one or several that accelerate launches together."""

from __future__ import annotations

import os
import subprocess
import sys

TWO_PROCESSES = [
    *("-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", "2"),
    *("--num_machines", "1", "--mixed_precision", "no", "--dynamo_backend", "no"),
]


def run_python(arguments: list[str], *, code: int = 0) -> subprocess.CompletedProcess[str]:
    """Run Python with these arguments, which must end in this exit code."""
    done = subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", "MASTER_PORT": "0"},
        check=False,
        timeout=300,
    )
    assert done.returncode == code, done.stderr
    return done
