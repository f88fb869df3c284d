"""Tiny random checkpoints of every family and head, recipes, and the slim models cut from them.

What is made is made once a session and shared: a test that changes a directory copies it first.
"""

from __future__ import annotations

import json
import math
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from support.processes import TransformersProcess, fresh_environment

os.environ.setdefault("HF_HUB_OFFLINE", "1")  # no test but those marked `network` needs the Hub

LENGTH = 9

# How long an example takes depends on what else the machine does.
settings.register_profile("any_speed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any_speed")


@pytest.fixture(autouse=True)
def _seeded() -> None:
    """Settle what a test draws at random, whichever tests ran before it."""
    random.seed(0)
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(0)


@pytest.fixture(autouse=True)
def _away_from_github(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide that GitHub runs the tests, since `check` prints more there."""
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)


@pytest.fixture(scope="session", autouse=True)
def _as_if_the_machine_were_idle() -> Iterator[None]:
    """Neither wait for cores nor speak of it, nor doubt a time: tests run beside one another."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("bertslim.measure.latency.PATIENCE_SECONDS", 0.0)
        patched.setattr("bertslim.measure.latency.LEAST_SECONDS", 1e6)
        patched.setattr("bertslim.measure.latency_samples.NOW_AND_THEN", math.inf)
        patched.setattr("bertslim.measure.latency_samples.MOSTLY", math.inf)
        patched.setattr("bertslim.measure.latency_samples.FEWEST_ROUNDS", 1)
        yield


@pytest.fixture(autouse=True)
def _one_thread(_as_if_the_machine_were_idle: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Compute in one thread, also after a command that took all cores.

    Threads that wait for each other spin. With tests beside one another they wait long: the same
    work then takes twenty times as long.
    """
    monkeypatch.setattr("bertslim.measure.environment.default_threads", lambda: 1)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)


@pytest.fixture(scope="session")
def tiny_config() -> Callable[..., Any]:
    """Return a function that makes the stock configuration of a tiny model of a family."""
    from support.tiny_models import tiny_config

    return tiny_config


@pytest.fixture(scope="session")
def tiny_model() -> Callable[..., Any]:
    """Return a function that makes the same tiny stock model each time, in eval mode."""
    from support.tiny_models import tiny_model

    return tiny_model


@pytest.fixture(scope="session")
def make_checkpoint(
    tiny_model: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., Path]:
    """Return a function that saves a tiny model, with a tokenizer if asked, and says where."""
    made: dict[str, Path] = {}

    def make(
        model_type: str = "bert",
        head: str | None = None,
        *,
        tokenizer: bool = False,
        dtype: str = "float32",
        **changes: Any,
    ) -> Path:
        import torch

        from bertslim.quiet import quiet_transformers
        from support.families import usual_head

        head = usual_head(model_type) if head is None else head
        key = json.dumps([model_type, head, tokenizer, dtype, changes], sort_keys=True)
        if key not in made:
            directory = tmp_path_factory.mktemp(f"{model_type}-{head or 'encoder'}")
            model = tiny_model(model_type, head, **changes)
            with quiet_transformers():
                model.to(getattr(torch, dtype)).save_pretrained(directory)
            if tokenizer:
                _save_tokenizer(directory)
            made[key] = directory
        return made[key]

    return make


def _save_tokenizer(directory: Path) -> None:
    from transformers import BertTokenizer

    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    letters = "abcdefghijklmnopqrstuvwxyz"
    words = [*special, *letters, *(f"##{letter}" for letter in letters), "good", "bad", "film"]
    vocabulary = directory / "vocab.txt"
    vocabulary.write_text("\n".join(words), encoding="utf-8")
    BertTokenizer(str(vocabulary)).save_pretrained(directory)


@pytest.fixture
def write_recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str | bytes], str]:
    """Return a function that writes mine.yaml into the current directory, a new one."""
    monkeypatch.chdir(tmp_path)

    def write(content: str | bytes) -> str:
        Path("mine.yaml").write_bytes(content.encode() if isinstance(content, str) else content)
        return "mine.yaml"

    return write


@pytest.fixture(scope="session")
def make_recipe(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Any]:
    """Return a function that makes a loaded recipe of operations and sections, as dictionaries."""
    folder = tmp_path_factory.mktemp("recipes")

    def make(*operations: dict[str, Any], name: str = "mine", **sections: Any) -> Any:
        from bertslim.recipe.recipe_files import load_recipe

        path = folder / f"{name}.yaml"
        recipe = {"version": 1, "name": name, "surgery": operations}
        path.write_text(json.dumps(recipe | sections), encoding="utf-8")
        return load_recipe(str(path))

    return make


@pytest.fixture(scope="session")
def cut(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Return a function that cuts a checkpoint by recipe and says where the slim one is."""
    made: dict[tuple[Path, str], Path] = {}

    def make(base: Path, recipe: Any) -> Path:
        from bertslim.model.checkpoint import build_slim, load_checkpoint, save_checkpoint
        from bertslim.model.copied_files import copy_files
        from bertslim.recipe.plan import make_plan
        from bertslim.recipe.recipe_files import load_recipe
        from bertslim.surgery.layer_surgery import operate

        loaded = load_recipe(recipe) if isinstance(recipe, str) else recipe
        key = (base, loaded.recipe.to_yaml())
        if key not in made:
            directory = tmp_path_factory.mktemp(f"{base.name}-{loaded.recipe.name}")
            checkpoint = load_checkpoint(base)
            plan = make_plan(loaded, checkpoint.facts)
            operate(checkpoint.model, plan)
            slim = build_slim(checkpoint, plan.record)
            save_checkpoint(slim, directory, checkpoint.extra, checkpoint.config)
            copy_files(base, directory)
            made[key] = directory
        return made[key]

    return make


@pytest.fixture(scope="session")
def prune_vocabulary(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Return a function that prunes a checkpoint's vocabulary to texts and says where it is."""
    made: dict[tuple[Path, tuple[str, ...]], Path] = {}

    def make(base: Path, texts: Sequence[str]) -> Path:
        from bertslim.model.checkpoint import load_checkpoint, save_checkpoint
        from bertslim.model.embedding_rows import prune_embeddings, prune_extra
        from bertslim.model.tokenizer import load_tokenizer
        from bertslim.model.tokenizer_pruning import prune_tokenizer
        from bertslim.model.vocabulary import choose_vocabulary

        key = (base, tuple(texts))
        if key not in made:
            directory = tmp_path_factory.mktemp(f"{base.name}-pruned") / "slim"
            shutil.copytree(base, directory)
            loaded = load_checkpoint(base)
            vocabulary = choose_vocabulary(texts, load_tokenizer(base), loaded.model)
            prune_embeddings(loaded.model, vocabulary)
            extra = prune_extra(loaded.extra, vocabulary)
            save_checkpoint(loaded.model, directory, extra, loaded.config)
            prune_tokenizer(directory, vocabulary)
            made[key] = directory
        return made[key]

    return make


@pytest.fixture(scope="session")
def cut_all_ways(
    make_checkpoint: Callable[..., Path],
    make_recipe: Callable[..., Any],
    cut: Callable[..., Path],
    prune_vocabulary: Callable[..., Path],
) -> Callable[..., Path]:
    """Return a function that makes a checkpoint whose layers and vocabulary are all cut somehow."""

    def make(model_type: str = "bert", head: str | None = None, **changes: Any) -> Path:
        recipe = make_recipe(
            {"op": "prune_heads", "layers": [0], "heads": 2, "criterion": "magnitude"},
            {"op": "share_ffn", "layers": [0, 2]},
            {"op": "resize_ffn", "layers": [1], "width": 16, "bypass": True},
            {"op": "drop_ffn", "layers": [3], "fill": "linear", "rank": 8},
            name="all_ways",
            reconstruct={},
        )
        base = make_checkpoint(model_type, head, tokenizer=True, pad_token_id=0, **changes)
        return prune_vocabulary(cut(base, recipe), ["good film"])

    return make


@pytest.fixture(scope="session")
def example_inputs() -> Callable[..., Any]:
    """Return a function that makes the same padded batch each time."""

    def make(head: str = "") -> dict[str, Any]:
        import torch

        from support.tiny_models import VOCAB_SIZE

        shape = (2, 3, LENGTH) if head == "MultipleChoice" else (3, LENGTH)
        draw = torch.Generator().manual_seed(3)
        ids = torch.randint(5, VOCAB_SIZE, shape, generator=draw)
        mask = torch.ones_like(ids)
        mask[-1, ..., LENGTH - 4 :] = 0
        return {"input_ids": ids, "attention_mask": mask}

    return make


@pytest.fixture(scope="session")
def answer(example_inputs: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that flattens all that a model says to the example inputs."""

    def run(model: Any, head: str = "") -> Any:
        import torch

        with torch.inference_mode():
            outputs = model(**example_inputs(head)).to_tuple()
        return torch.cat([output.flatten() for output in outputs])

    return run


@pytest.fixture(scope="session")
def transformers_process(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Callable[[], TransformersProcess]]:
    """Return a function that starts, once, a process that runs code where transformers is ready."""
    started: list[TransformersProcess] = []

    def start() -> TransformersProcess:
        if not started:
            started.append(TransformersProcess(tmp_path_factory.mktemp("transformers")))
        return started[0]

    yield start
    for process in started:
        process.close()


@pytest.fixture
def fresh_python(
    tmp_path: Path, transformers_process: Callable[[], TransformersProcess]
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Return a function that runs code in a new interpreter, where bertslim may be out of reach.

    Nothing that this process has set up is there: another working directory, an empty cache for
    remote code, and no network. Without bertslim, transformers is imported already.
    """

    def run(
        code: str, *arguments: object, bertslim: bool = True, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        elsewhere = tmp_path / "elsewhere"
        elsewhere.mkdir(exist_ok=True)
        texts = [str(argument) for argument in arguments]
        if bertslim:
            done = subprocess.run(
                [sys.executable, "-c", code, *texts],
                capture_output=True,
                text=True,
                env=fresh_environment(tmp_path / "hf"),
                cwd=elsewhere,
                check=False,
                timeout=300,
            )
        else:
            hidden = "import sys; sys.modules['bertslim'] = None\n"
            done = transformers_process().run(hidden + code, texts, elsewhere)
        assert not check or done.returncode == 0, done.stderr[-4000:]
        return done

    return run
