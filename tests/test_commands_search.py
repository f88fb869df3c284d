"""`bertslim search` as it is typed, on a tiny model whose times are made up."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bertslim.cli import run
from bertslim.file_names import FRONTIER_FILE, RECORD_FILE
from bertslim.measure.lengths import DATA
from bertslim.measure.shapes import Shape
from bertslim.measure.text_sample import TextSample
from bertslim.model.description import describe_checkpoint
from bertslim.recipe.recipe_files import load_recipe
from bertslim.recipe.sizes import layer_macs
from bertslim.records import Frontier, Interval, read_record
from bertslim.search import measure_table
from bertslim.search.materials import RUNGS
from bertslim.search.search_runtimes import SearchRuntime
from bertslim.search.stitched import StitchedModels
from bertslim.search.timed_files import RuntimeTime
from support.pretend_device import pretend_device
from support.processes import TWO_PROCESSES, run_python

FAST = ["--threads", "1", "--runtime", "torch", "--length", "16"]
BRIEF = ["--minutes", "0.01"]  # one vector of coefficients, one finalist
WORDS = ["list", "dict", "text", "file", "number", "value", "name", "path", "key", "error", "film"]


@pytest.fixture(scope="module")
def base(make_checkpoint: Callable[..., Path]) -> Path:
    return make_checkpoint(
        "bert", "SequenceClassification", tokenizer=True, num_labels=2, num_hidden_layers=3
    )


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    draw = np.random.default_rng(0)
    texts = {" ".join(draw.choice(WORDS, size=draw.integers(3, 9))) for _ in range(250)}
    rows = [f"{text},{len(text) % 2}" for text in sorted(texts)]
    path = tmp_path_factory.mktemp("data") / "rows.csv"
    path.write_text("\n".join(["text,label", *rows]))
    return path


def made_up_ms(directory: Path) -> float:
    facts = describe_checkpoint(directory).facts
    return 1.0 + sum(0.1 + layer_macs(facts, layer, 16) / 1e5 for layer in facts.layers)


@pytest.fixture(autouse=True)
def _made_up_times(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def time_models(base, models, shape, **_) -> dict[str, RuntimeTime]:
        base_ms = made_up_ms(base.path)
        times = {name: made_up_ms(model.path) for name, model in models.items()}
        return {
            name: RuntimeTime(
                ms, base_ms, ms / base_ms, Interval(of="ratio", low=ms / base_ms, high=ms / base_ms)
            )
            for name, ms in times.items()
        }

    monkeypatch.setattr("bertslim.search.measure_table.time_models", time_models)
    monkeypatch.setattr("bertslim.search.making.time_models", time_models)
    monkeypatch.setattr("bertslim.search.choose_runtime.time_models", time_models)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try and make little, so that a search is a matter of seconds."""
    monkeypatch.setattr("bertslim.search.problem.SHARES", (0.9, 0.8, 0.7, 0.6, 0.5, 0.4))
    monkeypatch.setattr("bertslim.search.configuration_search._VECTORS", 2)
    monkeypatch.setattr("bertslim.search.configuration_search._FITS", 2)
    monkeypatch.setattr("bertslim.search.configuration_search._ROUNDS", 1)
    monkeypatch.setattr("bertslim.search.level_switches.OFFSPRING", 2)
    monkeypatch.setattr("bertslim.search.levels.REFINE", 5)


@pytest.fixture(autouse=True)
def _short_latency(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the latency of the final report out: it is that of `cut`."""
    from bertslim.measure.latency import LatencyResult

    monkeypatch.setattr(
        "bertslim.commands.cut_work.measure_latency", lambda *_, **__: LatencyResult(())
    )


def search(base: Path, data: Path, *options: str) -> int:
    return run(["search", str(base), "--data", str(data), "-o", "found", *FAST, *options])


def test_a_target_is_met_and_cut_makes_the_same_bytes_of_the_recipe(
    base: Path, data: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert search(base, data, "--target-latency", "0.6x") == 0
    out = capfd.readouterr().out
    found = Frontier.read(Path("found"))
    assert found.outcome == "chosen"
    chosen = found.point(found.chosen)
    assert chosen is not None
    assert chosen.solved is not None
    assert chosen.solved.ms <= 0.6 * found.table.base_ms
    assert chosen.solved.ratio == pytest.approx(chosen.predicted_ms / found.table.base_ms, rel=0.02)
    assert f"{found.chosen} (chosen)" in out
    assert "Written to found" in out
    assert "<svg" in Path("found/frontier.svg").read_text()
    assert found.chosen in Path("found/frontier.html").read_text()

    record = read_record(Path("found"))
    assert record.command[:2] == ("bertslim", "search")
    assert record.plan == chosen.plan
    assert record.budget == found.budget
    assert record.budget is not None
    assert record.budget.outcome == "met"
    assert "The budget is met" in Path("found/report.html").read_text()
    assert record.find("accuracy.accuracy")
    recipe = load_recipe("found/recipe.yaml").recipe
    assert recipe == load_recipe(f"found/recipes/{found.chosen}.yaml").recipe
    cut = ["cut", str(base), "-r", "found/recipe.yaml", "--data", str(data), "--no-measure"]
    assert run([*cut, "-o", "again", "--threads", "1", "--quiet"]) == 0
    for name in ("model.safetensors", "config.json"):
        assert Path("again", name).read_bytes() == Path("found", name).read_bytes(), name


def test_without_a_target_the_frontier_is_written_with_its_recipes(
    base: Path, data: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert search(base, data, "--json") == 0
    found = Frontier.model_validate(json.loads(capfd.readouterr().out))
    assert found == Frontier.read(Path("found"))
    assert found.outcome == "frontier"
    assert not Path("found", RECORD_FILE).exists()
    assert len(found.points) >= 5
    times = [point.predicted_ms for point in found.points]
    assert times == sorted(times)
    assert sum(point.solved is not None for point in found.points) >= 3
    assert {point.name for point in found.shipped} >= {"quarter_width_repaired", "linear_all"}
    for point in found.points:
        assert load_recipe(f"found/recipes/{point.name}.yaml").recipe.name == f"found-{point.name}"
        if point.solved is not None:
            assert point.solved.drop is not None
            assert point.solved.drop.bound >= point.solved.drop.points / 100


def test_the_same_seed_finds_the_same(base: Path, data: Path) -> None:
    arguments = ["--target-latency", "0.7x", "--quiet", "--levels", "widths,no-layer"]
    assert search(base, data, *arguments) == 0
    first = Frontier.read(Path("found"))
    assert search(base, data, *arguments, "--force") == 0
    assert Frontier.read(Path("found")).points == first.points
    for point in first.points:
        assert {step["op"] for step in point.recipe["surgery"]} <= {"resize_ffn", "drop_layer"}


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (["--target-latency", "0.01x"], "--target-latency: "),
        (["--target-params", "100"], "--target-params: 100 parameters are beyond"),
    ],
)
def test_a_target_beyond_all_levels_is_refused_with_what_is_possible(
    target: list[str], message: str, base: Path, data: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert search(base, data, *target) == 3
    assert message in capfd.readouterr().err
    assert not Path("found").exists()


def test_a_drop_that_the_rows_cannot_show_is_not_claimed(
    base: Path, data: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    code = search(base, data, "--max-accuracy-drop", "0.5", "--target-latency", "0.9x", *BRIEF)
    found, err = Frontier.read(Path("found")), capfd.readouterr().err
    assert found.chosen is None
    assert not Path("found", RECORD_FILE).exists()
    drops = [point.solved.drop for point in found.points if point.solved]
    assert all(drop is not None and drop.bound > 0.005 for drop in drops)
    if found.outcome == "uncertain":
        assert code == 4
        assert "would; give more rows" in err
        assert any(drop.rows_needed for drop in drops if drop)
    else:
        assert (code, found.outcome) == (3, "infeasible")
        assert "nearest are" in err


def test_fewer_parameters_and_bytes_are_kept_within(base: Path, data: Path) -> None:
    whole = (base / "model.safetensors").stat().st_size
    target = ["--target-bytes", str(whole - 20_000)]
    assert search(base, data, *target, *BRIEF, "--quiet") in (0, 3)
    found = Frontier.read(Path("found"))
    assert found.base_bytes == whole
    if found.outcome == "chosen":
        assert Path("found/model.safetensors").stat().st_size <= whole - 20_000


def test_an_interrupted_search_writes_the_best_so_far(
    base: Path, data: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    from bertslim.search.frontier_search import FrontierSearch

    make = FrontierSearch._make

    def make_one(self, candidate) -> None:
        if self.made:
            raise KeyboardInterrupt
        make(self, candidate)

    monkeypatch.setattr(FrontierSearch, "_make", make_one)
    assert search(base, data, "--target-latency", "0.6x") == 130
    found = Frontier.read(Path("found"))
    assert found.interrupted
    assert found.outcome == "chosen"
    assert read_record(Path("found")).find("parameters")
    assert Path("found/model.safetensors").exists()


def test_a_search_that_is_interrupted_in_its_report_writes_the_model_without(
    base: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_, **__) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("bertslim.commands.cut_work.measure_latency", interrupt)
    assert search(base, data, "--target-latency", "0.6x", "--quiet", *BRIEF) == 130
    found = Frontier.read(Path("found"))
    assert found.interrupted
    assert found.chosen is not None
    assert Path("found/model.safetensors").exists()
    assert not read_record(Path("found")).find("accuracy.accuracy")


def test_a_search_that_is_interrupted_before_a_model_is_made_writes_recipes(
    base: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("bertslim.search.frontier_search.FrontierSearch._make", interrupt)
    assert search(base, data, "--target-latency", "0.6x", "--quiet", *BRIEF) == 130
    found = Frontier.read(Path("found"))
    assert found.outcome == "frontier"
    assert not any(point.solved for point in found.points)
    assert not Path("found", RECORD_FILE).exists()


def test_a_search_that_is_interrupted_as_it_tries_makes_the_best_so_far(
    base: Path, data: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    from bertslim.search.trials import Trials

    climb = Trials.climb

    def climb_once(self, pool):
        monkeypatch.setattr(Trials, "climb", interrupted)
        return climb(self, pool)

    def interrupted(*_) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Trials, "climb", climb_once)
    assert search(base, data, "--target-latency", "0.7x") == 130
    assert "making the best so far" in capfd.readouterr().err
    found = Frontier.read(Path("found"))
    assert (found.outcome, found.interrupted) == ("chosen", True)
    assert sum(point.solved is not None for point in found.points) == 1
    assert Path("found/model.safetensors").exists()

    ran: list[int] = []
    damage = StitchedModels.damage

    def counted(models, configuration):
        ran.append(sum(len(texts.batch.rows) for texts in models._texts))
        return damage(models, configuration)

    monkeypatch.setattr(Trials, "climb", climb)
    monkeypatch.setattr(StitchedModels, "damage", counted)
    assert search(base, data, "--target-latency", "0.7x") == 2
    assert "--resume" in capfd.readouterr().err
    assert search(base, data, "--target-latency", "0.7x", "--resume", "--seed", "1") == 2
    assert "was another one" in capfd.readouterr().err
    assert not ran
    assert search(base, data, "--target-latency", "0.7x", "--resume", *BRIEF) == 0
    assert f"{found.evaluations} were tried before" in capfd.readouterr().err
    done = Frontier.read(Path("found"))
    assert (done.outcome, done.interrupted) == ("chosen", False)
    assert ran.count(RUNGS[0]) == done.evaluations - found.evaluations
    assert not list(Path().glob(".found*"))


@pytest.mark.slow
def test_two_processes_try_what_one_tries(base: Path, data: Path) -> None:
    arguments = ["search", str(base), "--data", str(data), *FAST, *BRIEF, "--quiet"]
    assert run([*arguments, "-o", "one"]) == 0  # which remembers times that are made up
    run_python([*TWO_PROCESSES, "-m", "bertslim", *arguments, "-o", "two"])
    one, two = Frontier.read(Path("one")), Frontier.read(Path("two"))
    assert two.table == one.table
    assert two.evaluations >= one.evaluations
    for point in one.points:
        same = two.point(point.name)
        assert same is not None
        assert same.plan == point.plan
        assert same.damage == pytest.approx(point.damage, rel=1e-5)


def test_cut_takes_a_target_in_place_of_a_recipe_and_search_trains_on_request(
    base: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bertslim.cli import cut as command

    def options_of(target, options):
        found = search_of(target, options)
        return replace(
            found, threads=1, runtime="torch", minutes=0.01, length=16, retrain_minutes=0.01
        )

    search_of = command.CutTarget.search
    monkeypatch.setattr(command.CutTarget, "search", options_of)
    arguments = ["cut", str(base), "--data", str(data), "--target-latency", "0.8x", "-o", "found"]
    assert run([*arguments, "--quiet"]) == 0
    record = read_record(Path("found"))
    assert record.training is not None
    assert record.training.teacher is not None
    assert load_recipe("found/recipe.yaml").recipe.retrain is not None
    found = Frontier.read(Path("found"))
    assert load_recipe(f"found/recipes/{found.chosen}.yaml").recipe.retrain is None
    assert not list(Path().glob(".found*"))


def test_a_search_on_another_device_finds_the_same_there(
    base: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bertslim.measure.gpu.has_cuda", lambda: True)
    monkeypatch.setattr("bertslim.commands.search_work.gpu_name", {"cuda": "Some GPU"}.get)
    monkeypatch.setattr("bertslim.commands.slim_result.gpu_name", {"cuda": "Some GPU"}.get)
    found = {}
    for device in ("cpu", "cuda"):
        options = ["--target-latency", "0.6x", "--quiet", "--force", "--device", device, *BRIEF]
        with pretend_device():
            assert search(base, data, *options) == 0
        found[device] = Frontier.read(Path("found"))
        record = read_record(Path("found"))
        assert (record.device, found[device].device) == (device, device)
        assert (found[device].environment.gpu is None) == (device == "cpu")
        (kl,) = record.find("fidelity.kl")
        assert kl.context["device"] == device
    points = [
        [(point.plan, point.damage, point.solved) for point in found[device].points]
        for device in ("cpu", "cuda")
    ]
    assert points[0] == points[1]


def test_a_search_that_is_interrupted_at_once_writes_nothing(
    base: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_, **__) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("bertslim.search.measure_table.time_models", interrupt)
    assert search(base, data, "--quiet") == 130
    assert not Path("found").exists()


def test_the_report_split_is_seen_by_nothing_but_the_report(
    base: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bertslim.commands import search as command

    load = command.load_splits
    held: set[str] = set()
    seen: list[str] = []

    def load_and_note(*arguments):
        splits = load(*arguments)
        held.update(splits.report.texts())
        return splits

    from bertslim.search import materials

    read = materials.batches

    def read_and_note(rows, *arguments, **options):
        seen.extend(rows.texts())
        return read(rows, *arguments, **options)

    monkeypatch.setattr(command, "load_splits", load_and_note)
    monkeypatch.setattr(materials, "batches", read_and_note)
    assert search(base, data, *BRIEF, "--quiet") == 0
    assert held
    assert seen
    assert not held & set(seen)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--target-latency", "fast"], "--target-latency: 'fast' is not a time"),
        (["--target-latency", "0x"], "--target-latency: must be above 0"),
        (["--target-params", "many"], "--target-params: 'many' is not a number of parameters"),
        (["--levels", "width"], "--levels: 'width' is no group of levels; did you mean 'widths'?"),
    ],
)
def test_what_cannot_be_read_is_refused(
    options: list[str], message: str, base: Path, data: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert search(base, data, *options) == 2
    assert message in capfd.readouterr().err


def test_a_model_whose_layers_are_one_is_refused(
    make_checkpoint: Callable[..., Path], data: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    albert = make_checkpoint("albert", "SequenceClassification", tokenizer=True, num_labels=2)
    assert search(albert, data) == 2
    assert "nothing of its layers can be cut by itself" in capfd.readouterr().err
    assert not Path("found", FRONTIER_FILE).exists()


def test_without_a_runtime_the_fastest_is_found(
    base: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bertslim.search.timing.runtimes_at_hand", lambda: (SearchRuntime.TORCH,))
    fast = ["--threads", "1", "--length", "16", *BRIEF]
    assert run(["search", str(base), "--data", str(data), "-o", "found", *fast]) == 0
    found = Frontier.read(Path("found"))
    assert found.table.runtime == "torch"
    assert [tried.name for tried in found.runtimes] == ["torch"]
    page = " ".join(Path("found/frontier.html").read_text().split())
    assert "The runtime was chosen: torch, the only one." in page


def test_models_are_timed_on_the_texts_where_that_is_asked_for(
    base: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples: list[TextSample] = []
    made_up = measure_table.time_models

    def time_models(base, models, shape, **others) -> dict[str, RuntimeTime]:
        assert shape == Shape(2, DATA)
        samples.extend(TextSample.read(one.texts) for one in (base, *models.values()))
        return made_up(base, models, shape, **others)

    monkeypatch.setattr("bertslim.search.measure_table.time_models", time_models)
    options = ["--length", "data", "--batch", "2", "--target-latency", "0.8x", *BRIEF]
    assert search(base, data, *options) == 0
    assert {len(sample) for sample in samples} == {len(samples[0])}
    assert len(set(samples[0].lengths)) > 5
    assert Frontier.read(Path("found")).table.length == DATA
    assert "2xdata" in Path("found/frontier.html").read_text()


@pytest.mark.parametrize(
    ("given", "said"),
    [("0", "0"), ("long", "long"), ("16,32", "a search takes one length")],
)
def test_a_length_is_one_number_or_data(
    base: Path, data: Path, given: str, said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    options = ["--runtime", "torch", "--length", given]
    assert run(["search", str(base), "--data", str(data), *options]) == 2
    assert said in capfd.readouterr().err
