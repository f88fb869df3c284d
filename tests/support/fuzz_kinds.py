"""The kinds of inputs that are damaged at random, and what runs on each.

A trial may be refused in a line, or do what was asked; nothing else (`fuzz_trials.Ending.faults`).
"""

from __future__ import annotations

import json
import shutil
import struct
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from support import task_files
from support.fuzz_mutations import (
    HOSTILE_TEXTS,
    as_json,
    damaged_bytes,
    damaged_texts,
    damaged_trees,
    encoded,
)
from support.fuzz_trials import Ending, current_directory, run_command, run_function

Case = Any


@dataclass(frozen=True)
class Kind:
    """A kind of input.

    Attributes:
        name: In words.
        share: How many of a thousand trials are of it.
        cases: A strategy for damaged inputs.
        trial: Runs something on one, in a directory of its own, which is the current one.
    """

    name: str
    share: int
    cases: st.SearchStrategy[Case]
    trial: Callable[[Case, Path], Ending]

    def run(self, case: Case, folder: Path) -> Ending:
        """Run a trial in a folder, which is emptied before."""
        for path in folder.iterdir():
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        with current_directory(folder):
            return self.trial(case, folder)


RECIPE: dict[str, Any] = {
    "version": 1,
    "name": "mine",
    "description": "a recipe",
    "surgery": [
        {"op": "drop_ffn", "layers": "odd", "fill": "linear", "rank": 4},
        {"op": "resize_ffn", "layers": [0], "width": 16, "criterion": "magnitude"},
        {"op": "scale_ffn", "layers": [2], "gain": 0.5},
        {"op": "prune_heads", "layers": "last 1", "heads": 2},
    ],
    "reconstruct": {"samples": 64, "weights": "variance"},
    "retrain": {"epochs": 1, "batch_size": 8, "learning_rate": 1e-4},
}


def config_kind(configs: dict[str, dict[str, Any]]) -> Kind:
    """Return the kind of a `config.json` alone, of any family."""
    names = sorted({key for config in configs.values() for key in config} | {"per_layer_config"})

    def trial(config: Any, here: Path) -> Ending:
        (here / "config.json").write_bytes(as_json(config))
        return run_command(["inspect", "."])

    return Kind("config", 310, damaged_trees(*configs.values(), names=names), trial)


def weights_kind(checkpoint: Path) -> Kind:
    """Return the kind of a whole checkpoint whose configuration or file of weights is damaged."""
    config = json.loads((checkpoint / "config.json").read_text(encoding="utf-8"))
    content = (checkpoint / "model.safetensors").read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    header, numbers = json.loads(content[8 : 8 + length]), content[8 + length :]

    def with_header(tree: Any) -> bytes:
        written = as_json(tree)
        return struct.pack("<Q", len(written)) + written + numbers

    of_weights = damaged_trees(header, names=["dtype", "shape", "data_offsets"]).map(with_header)
    case = (
        st.tuples(st.just(None), of_weights)
        | st.tuples(st.just(None), damaged_bytes(content))
        | st.tuples(damaged_trees(config), st.just(None))
    )

    def trial(damaged: tuple[Any, bytes | None], here: Path) -> Ending:
        base = here / "base"
        shutil.copytree(checkpoint, base)
        if damaged[0] is not None:
            (base / "config.json").write_bytes(as_json(damaged[0]))
        if damaged[1] is not None:
            (base / "model.safetensors").write_bytes(damaged[1])
        ending = run_command(["cut", "base", "-r", "drop_odd", "--no-measure", "-o", "out", "-q"])
        return replace(ending, nonsense=contradictions(here / "out"))

    return Kind("weights", 40, case, trial)


def contradictions(result: Path) -> str:
    """Say where the sizes of a result contradict its weights; "" where there is no result."""
    if not result.exists():
        return ""
    from safetensors import safe_open

    from bertslim.model.checkpoint_files import find_weights, read_config
    from bertslim.model.config_facts import read_facts

    facts = read_facts(read_config(result), find_weights(result).tensors)
    with safe_open(str(result / "model.safetensors"), "pt") as weights:
        shapes = {name: weights.get_slice(name).get_shape() for name in weights.keys()}  # noqa: SIM118
    words = [shape for name, shape in shapes.items() if name.endswith("word_embeddings.weight")]
    if any(shape[0] != facts.vocab_size for shape in words):
        return f"a vocabulary of {facts.vocab_size} beside embeddings {words}"
    widths = {shape[0] for name, shape in shapes.items() if "LayerNorm.weight" in name}
    if widths - {facts.hidden_size, words[0][1] if words else facts.hidden_size}:
        return f"a width of {facts.hidden_size} beside norms {widths}"
    return ""


def recipe_kind(config: dict[str, Any]) -> Kind:
    """Return the kind of a recipe."""
    import yaml

    written = yaml.safe_dump(RECIPE, sort_keys=False)
    names = [*RECIPE, "layers", "op", "width", "rank", "fill", "heads", "criterion", "layer_norm"]
    cases = damaged_texts(written).map(encoded) | damaged_trees(RECIPE, names=names).map(as_json)

    def trial(recipe: bytes, here: Path) -> Ending:
        (here / "config.json").write_bytes(as_json(config))
        (here / "mine.yaml").write_bytes(recipe)
        return run_command(["cut", ".", "-r", "mine.yaml", "--dry-run"])

    return Kind("recipe", 240, cases, trial)


def record_kind(records: list[dict[str, Any]]) -> Kind:
    """Return the kind of a record, printed as a report or compared with another."""
    whole = as_json(records[0])

    def trial(case: tuple[bytes, list[str]], here: Path) -> Ending:
        content, further = case
        for name, text in (("damaged", content), ("whole", whole)):
            (here / name).mkdir()
            (here / name / "bertslim.json").write_bytes(text)
        return run_command(["report", "damaged", *further])

    further = st.sampled_from([*[[]] * 6, *[["whole"]] * 3, ["--json"], ["-o", "pages"]])
    trees = damaged_trees(*records).map(as_json)
    texts = damaged_texts(json.dumps(records[0])).map(encoded)
    return Kind("record", 120, st.tuples(trees | trees | texts, further), trial)


def gate_kind(record: dict[str, Any], checkpoint: Path) -> Kind:
    """Return the kind of a record that rules are judged by, beside the weights that it is of."""
    rules = st.sampled_from(
        [["--max-params", "1M"], ["--max-bytes", "1MiB"], ["--max-accuracy-drop", "1"]]
    )
    sound = record | {role: record[role] | {"source": str(checkpoint)} for role in ("base", "slim")}

    def trial(case: tuple[Any, list[str]], here: Path) -> Ending:
        (here / "slim").mkdir()
        for path in checkpoint.iterdir():
            (here / "slim" / path.name).symlink_to(path)
        (here / "slim/bertslim.json").write_bytes(as_json(case[0]))
        return run_command(["check", "slim", *case[1], "--summary", "summary.md"])

    return Kind("gate", 10, st.tuples(damaged_trees(sound), rules), trial)


def analysis_kind(analysis: dict[str, Any]) -> Kind:
    """Return the kind of an analysis."""

    def trial(content: bytes, here: Path) -> Ending:
        (here / "analysis.json").write_bytes(content)
        return run_command(["report", "."])

    return Kind("analysis", 40, damaged_trees(analysis).map(as_json), trial)


DATA_FILES = {
    "d.tsv": task_files.CLASSES,
    "pairs.tsv": task_files.PAIRS,
    "several.jsonl": task_files.SEVERAL,
    "d.conll": task_files.TAGGED,
    "questions.jsonl": task_files.QUESTIONS,
    "d.txt": "\n".join(task_files.TEXTS),
    "d.csv": task_files.CLASSES.replace("\t", ","),
    "d.json": json.dumps([json.loads(line) for line in task_files.SEVERAL.splitlines()]),
}


def data_kind(heads: list[Any]) -> Kind:
    """Return the kind of a data file, read for any head."""
    from bertslim.data.data_options import DataOptions
    from bertslim.data.load import load_splits
    from bertslim.progress import Progress

    files = [
        st.tuples(st.just(name), damaged_texts(content).map(encoded))
        for name, content in DATA_FILES.items()
    ]

    def trial(case: tuple[tuple[str, bytes], Any], here: Path) -> Ending:
        (name, content), head = case
        (here / name).write_bytes(content)
        options = DataOptions(data=name)
        return run_function(lambda: load_splits(options, head, Progress(visible=False)))

    return Kind("data", 30, st.tuples(st.one_of(files), st.sampled_from(heads)), trial)


def tokenizer_kind(checkpoint: Path) -> Kind:
    """Return the kind of a file of a tokenizer."""
    names = ["tokenizer.json", "tokenizer_config.json", "vocab.txt"]
    contents = {name: (checkpoint / name).read_text(encoding="utf-8") for name in names}
    damaged = [
        st.tuples(st.just(name), damaged_trees(json.loads(text)).map(as_json))
        for name, text in contents.items()
        if name.endswith(".json")
    ] + [
        st.tuples(st.just(name), damaged_texts(text).map(encoded))
        for name, text in contents.items()
    ]

    def trial(case: tuple[str, bytes], here: Path) -> Ending:
        from bertslim.model.tokenizer import load_tokenizer

        for name in ("config.json", *names):
            shutil.copy(checkpoint / name, here / name)
        (here / case[0]).write_bytes(case[1])
        return run_function(
            lambda: load_tokenizer(here)(["good film", "a"], padding=True, truncation=True)
        )

    return Kind("tokenizer", 60, st.one_of(damaged), trial)


def options_kind(config: dict[str, Any]) -> Kind:
    """Return the kind of a command line: any options of any command, on a model without weights."""
    from typer.main import get_command

    from bertslim.cli import app

    commands: dict[str, Any] = get_command(app).commands  # type: ignore[attr-defined]
    values = st.sampled_from(
        [
            *HOSTILE_TEXTS[:17],
            "model",
            "mine.yaml",
            "drop_odd",
            "1",
            "8",
            "1e400",
            "1,2",
            "3%",
            "1M",
        ]
    )
    harmless = values.filter(lambda value: not value.startswith(("/", "~")) and ".." not in value)

    def lines(name: str, command: Any) -> st.SearchStrategy[list[str]]:
        if hasattr(command, "commands"):
            nested = [lines(inner, each) for inner, each in command.commands.items()]
            return st.one_of(nested).map(lambda line: [name, *line])
        flags: list[str] = []
        taking: list[str] = []
        for parameter in command.params:
            if parameter.param_type_name == "option":
                names = [*parameter.opts, *parameter.secondary_opts]
                (flags if parameter.is_flag else taking).extend(names)
        flags = [flag for flag in flags if flag != "--debug"]  # asks for a traceback
        word = (
            st.sampled_from(flags or ["-h"]).map(lambda flag: [flag])
            | st.tuples(st.sampled_from(taking or ["-h"]), harmless).map(list)
            | harmless.map(lambda value: [value])
        )
        words = st.lists(word, max_size=5).map(
            lambda found: [each for part in found for each in part]
        )
        return words.map(lambda rest: [name, "model", *rest])

    def trial(arguments: list[str], here: Path) -> Ending:
        (here / "model").mkdir()
        (here / "model/config.json").write_bytes(as_json(config))
        (here / "mine.yaml").write_bytes(as_json(RECIPE))
        return run_command(arguments)

    every = [lines(name, command) for name, command in commands.items()]
    return Kind("options", 150, st.one_of(every), trial)
