"""Commands and code run in processes of their own, one or several that accelerate launches."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from pathlib import Path

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


_SERVE_COPIES = """
import json, os, shutil, sys, traceback
import torch, transformers
from transformers import AutoModel, AutoTokenizer, BertModel

def run(request):
    for number, name in ((1, "stdout"), (2, "stderr")):
        os.dup2(os.open(request[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    os.chdir(request["folder"])
    sys.argv = ["-c", *request["arguments"]]
    try:
        exec(compile(request["code"], "<string>", "exec"), {"__name__": "__main__"})
    except BaseException:
        traceback.print_exc()
        return 1
    return 0

for line in sys.stdin:
    shutil.rmtree(os.environ["HF_HOME"], ignore_errors=True)
    child = os.fork()
    if child == 0:
        code = run(json.loads(line))
        sys.stdout.flush(), sys.stderr.flush()
        os._exit(code)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


def fresh_environment(cache: Path) -> dict[str, str]:
    """Return the environment of a process that finds only this cache, and no network."""
    return os.environ | {
        "HF_HOME": str(cache),
        "HF_MODULES_CACHE": str(cache / "modules"),
        "HF_HUB_OFFLINE": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "TRANSFORMERS_VERBOSITY": "error",
        "OMP_NUM_THREADS": "1",
    }


class TransformersProcess:
    """A process that has imported transformers, not bertslim, and runs code in copies of itself.

    Importing takes seconds, a copy milliseconds. Each copy starts from the same state, with an
    empty cache for remote code.
    """

    def __init__(self, folder: Path) -> None:
        """Start it; all it writes goes to this folder."""
        self._outputs = {name: folder / name for name in ("stdout", "stderr")}
        self._process = subprocess.Popen(
            [sys.executable, "-c", _SERVE_COPIES],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=fresh_environment(folder / "hf"),
        )

    def run(
        self, code: str, arguments: list[str], folder: Path
    ) -> subprocess.CompletedProcess[str]:
        """Run code in a copy, in this working directory."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        outputs = {name: str(path) for name, path in self._outputs.items()}
        request = {"code": code, "arguments": arguments, "folder": str(folder), **outputs}
        print(json.dumps(request), file=self._process.stdin, flush=True)
        readable, _, _ = select.select([self._process.stdout], [], [], 300)
        assert readable, "the code has not ended within 300 s"
        returncode = int(self._process.stdout.readline())
        texts = {name: path.read_text() for name, path in self._outputs.items()}
        return subprocess.CompletedProcess(arguments, returncode, texts["stdout"], texts["stderr"])

    def close(self) -> None:
        """End it."""
        self._process.communicate(timeout=60)
