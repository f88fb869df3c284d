"""The server of the examples: its answers are the model's, and its image has all that it needs."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

from bertslim.cli import run

FOLDER = Path(__file__).parent.parent / "examples" / "serve"
TEXTS = ["good film", "bad film", "a good bad film that is longer than the others"]


@pytest.fixture(scope="module")
def server() -> ModuleType:
    for name in ("starlette", "uvicorn"):
        pytest.importorskip(name, reason=f"the server needs {name}")
    spec = spec_from_file_location("server", FOLDER / "server.py")
    assert spec
    assert spec.loader
    module = sys.modules["server"] = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def exported(
    make_checkpoint: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    base = make_checkpoint("bert", "SequenceClassification", tokenizer=True, num_labels=3)
    out = tmp_path_factory.mktemp("exported") / "model.onnx"
    assert run(["export", str(base), "--onnx", "-o", str(out), "--quiet"]) == 0
    return out.parent


def test_the_answers_are_those_of_the_model(
    server: ModuleType, exported: Path, make_checkpoint: Callable[..., Path]
) -> None:
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    base = make_checkpoint("bert", "SequenceClassification", tokenizer=True, num_labels=3)
    model = AutoModelForSequenceClassification.from_pretrained(base).eval()
    tokenizer = AutoTokenizer.from_pretrained(base)
    answers = server.Classifier.load(exported, threads=1)(TEXTS)
    for text, answer in zip(TEXTS, answers, strict=True):
        with torch.no_grad():
            shares = model(**tokenizer(text, return_tensors="pt")).logits.softmax(-1)[0]
        assert answer["label"] == model.config.id2label[int(shares.argmax())]
        assert answer["score"] == pytest.approx(float(shares.max()), abs=1e-5)


def test_a_folder_without_a_file_is_refused(server: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"model_int8\.onnx"):
        server.Classifier.load(tmp_path, threads=1)


def test_wrong_requests_are_told_why(server: ModuleType, exported: Path) -> None:
    testclient = pytest.importorskip("starlette.testclient")
    classifier = server.Classifier.load(exported, threads=1)
    client = testclient.TestClient(server.application(classifier))
    assert client.get("/health").json() == {"status": "ok"}
    assert len(client.post("/", json={"texts": TEXTS}).json()) == len(TEXTS)
    for wrong in ({}, [], {"texts": "one"}, {"texts": []}, {"texts": [1]}, {"texts": ["a"] * 65}):
        answer = client.post("/", json=wrong)
        assert answer.status_code == 400
        assert answer.json()["error"]


def pins(text: str) -> dict[str, str]:
    return dict(re.findall(r"^([\w.-]+)==([\w.]+)$", text, re.MULTILINE))


def test_versions_are_those_that_are_tested() -> None:
    tested = pins((FOLDER.parents[1] / "constraints.txt").read_text(encoding="utf-8"))
    served = pins((FOLDER / "requirements.txt").read_text(encoding="utf-8"))
    assert served.items() >= {(name, version) for name, version in tested.items() if name in served}
    assert not {"torch", "transformers", "bertslim"} & set(served)


def test_what_the_image_copies_is_there(exported: Path) -> None:
    lines = (FOLDER / "Dockerfile").read_text(encoding="utf-8").splitlines()
    copied = [line.split()[1:-1] for line in lines if line.startswith("COPY")]
    from_context = [name for names in copied for name in names if not names[0].startswith("--")]
    assert from_context
    for name in from_context:
        assert (FOLDER / name).is_file()
    (from_model,) = [names[1:] for names in copied if names[0] == "--from=model"]
    assert from_model[-1] == "${FILE}"
    for name in from_model[:-1]:
        assert (exported / name).is_file()
