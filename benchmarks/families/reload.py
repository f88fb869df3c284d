"""Load slim checkpoints where bertslim is not installed, and compare what they say."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmarks.families.results import Outcome
from bertslim.model.checkpoint import load_checkpoint
from bertslim.model.tokenizer import load_tokenizer
from bertslim.printable import one_line, shortened
from support.processes import fresh_environment

TOLERANCE = 1e-5
TEXTS = ["Return the value of a header.", "Open a file and read it", "the end", "x"]
_MOST_TOKENS = 24
_LONGEST = 300

LOAD_ALL = """
import json, sys
sys.modules["bertslim"] = None
import torch, transformers

request = json.load(open(sys.argv[1]))
answers = {}
for directory in request["directories"]:
    try:
        auto = getattr(transformers, request["class"])
        model, info = auto.from_pretrained(
            directory, trust_remote_code=True, output_loading_info=True)
        assert not any(info.values()), info
        tokenizer = transformers.AutoTokenizer.from_pretrained(directory, trust_remote_code=True)
        inputs = tokenizer(request["texts"], padding=True, truncation=True,
            max_length=request["max_length"], return_token_type_ids=False, return_tensors="pt")
        with torch.inference_mode():
            answers[directory] = {"answer": model.eval()(**inputs)[0].tolist()}
    except Exception as error:
        answers[directory] = {"error": f"{type(error).__name__}: {error}"[:2000]}
json.dump(answers, open(sys.argv[2], "w"))
"""


def reload_all(directories: Sequence[Path], head: str, scratch: Path) -> dict[Path, Outcome]:
    """Load checkpoints in one process without bertslim.

    Args:
        directories: Where they are; all have the same head.
        head: Its name; empty for the bare encoder.
        scratch: Where files may be written.
    """
    if not directories:
        return {}
    request, answers = scratch / "request.json", scratch / "answers.json"
    request.write_text(
        json.dumps({
            "directories": [str(directory) for directory in directories],
            "class": f"AutoModelFor{head}" if head else "AutoModel",
            "texts": TEXTS,
            "max_length": _MOST_TOKENS,
        })
    )  # fmt: skip
    elsewhere = scratch / "elsewhere"
    elsewhere.mkdir(exist_ok=True)
    done = subprocess.run(
        [sys.executable, "-c", LOAD_ALL, str(request), str(answers)],
        env=fresh_environment(scratch / "cache"),
        cwd=elsewhere,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        died = Outcome(state="fault", message=done.stderr.strip().splitlines()[-1])
        return dict.fromkeys(directories, died)
    found = json.loads(answers.read_text())
    return {directory: _compared(directory, found[str(directory)]) for directory in directories}


def _compared(directory: Path, answer: dict[str, Any]) -> Outcome:
    if "error" in answer:
        return Outcome(state="fault", message=shortened(one_line(answer["error"]), _LONGEST))
    own, theirs = _own_answer(directory), torch.tensor(answer["answer"])
    apart = float((own - theirs).abs().max() / own.abs().max())
    state = "passed" if apart <= TOLERANCE else "fault"
    return Outcome(state=state, figure=apart, message="" if state == "passed" else "other answers")


@torch.inference_mode()
def _own_answer(directory: Path) -> Tensor:
    """Return what bertslim's own model of a checkpoint says."""
    model, tokenizer = load_checkpoint(directory).model, load_tokenizer(directory)
    inputs = tokenizer(
        TEXTS,
        padding=True,
        truncation=True,
        max_length=_MOST_TOKENS,
        return_token_type_ids=False,
        return_tensors="pt",
    )
    answer: Tensor = model(**inputs)[0]
    return answer
