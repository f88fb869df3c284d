"""Programs of torch.export: they run without transformers, and answer as the model does."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

from bertslim.errors import BertslimError
from bertslim.export.parity import TOLERANCE, check_parity
from bertslim.export.torch_program import TorchProgram, convert, save
from bertslim.model.checkpoint import Checkpoint
from support.full_disk import files_of_at_most
from support.uneven_models import CASES, MORE, uneven_model

LOAD = """
import sys
import torch

program = torch.export.load(sys.argv[1]).module()
for shape in ((1, 1), (3, 7), (2, 38)):
    ids = torch.full(shape, 7)
    answers = program(input_ids=ids, attention_mask=torch.ones_like(ids))
    print(type(answers).__name__, *answers, *answers["start_logits"].shape)
print("transformers" in sys.modules)
"""


@pytest.fixture
def slim(
    make_checkpoint: Callable[..., Path], make_recipe: Callable[..., Any], cut: Callable[..., Path]
) -> Callable[[str, str], Checkpoint]:
    """Return a function that makes a tiny model with a gap in every layer."""
    return partial(uneven_model, make_checkpoint, make_recipe, cut)


@pytest.mark.parametrize(("model_type", "head"), [*CASES, *MORE])
def test_an_uneven_slim_model_answers_as_pytorch_does(
    slim: Callable[..., Checkpoint], tmp_path: Path, model_type: str, head: str
) -> None:
    checkpoint, path = slim(model_type, head), tmp_path / "model.pt2"
    save(convert(checkpoint), path)

    assert check_parity(checkpoint, TorchProgram(path)).relative <= TOLERANCE["fp32"]


def test_it_is_read_and_run_with_torch_alone(
    slim: Callable[..., Checkpoint], tmp_path: Path, fresh_python: Callable[..., Any]
) -> None:
    save(convert(slim("mpnet", "QuestionAnswering")), tmp_path / "model.pt2")

    done = fresh_python(LOAD, tmp_path / "model.pt2")

    told = "dict start_logits end_logits"
    assert done.stdout.splitlines() == [f"{told} 1 1", f"{told} 3 7", f"{told} 2 38", "False"]


def test_no_local_path_is_in_it(slim: Callable[..., Checkpoint], tmp_path: Path) -> None:
    path = tmp_path / "model.pt2"
    save(convert(slim("bert", "")), path)

    code = str(Path(torch.__file__).parent.parent).encode()
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    assert not [name for name, content in files.items() if code in content]
    assert not [name for name, content in files.items() if str(tmp_path).encode() in content]


def test_other_weights_are_told_apart(slim: Callable[..., Checkpoint], tmp_path: Path) -> None:
    checkpoint = slim("bert", "SequenceClassification")
    save(convert(checkpoint), tmp_path / "model.pt2")
    with torch.no_grad():
        checkpoint.model.get_parameter("classifier.bias").add_(1)

    with pytest.raises(BertslimError, match=r"^torch\.export does not answer as PyTorch does"):
        check_parity(checkpoint, TorchProgram(tmp_path / "model.pt2"))


def test_a_full_disk_is_an_error_and_no_abort(tmp_path: Path) -> None:
    program = torch.export.export(torch.nn.Linear(200, 200), (torch.ones(1, 200),))
    with files_of_at_most(100_000), pytest.raises(OSError, match="File too large"):
        save(program, tmp_path / "model.pt2")
