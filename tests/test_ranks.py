"""Several processes that share the calibration texts."""

from __future__ import annotations

import torch
from safetensors.torch import load_file

from bertslim.cli import run
from bertslim.ranks import Ranks, current_ranks, launched_rank
from support.processes import TWO_PROCESSES, run_python


def test_a_process_alone_takes_everything(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    monkeypatch.delenv("RANK", raising=False)
    ranks = current_ranks("cpu")
    assert ranks == Ranks(0, 1)
    assert launched_rank() == 0
    assert list(ranks.share("abc")) == ["a", "b", "c"]
    assert ranks.total(torch.ones(2)).tolist() == [1, 1]
    assert ranks.from_first("said") == "said"


def test_processes_share_items_without_rest():
    shares = [Ranks(rank, 3).share(range(8)) for rank in range(3)]
    assert sorted(item for share in shares for item in share) == list(range(8))


def test_two_processes_make_the_model_of_one(make_checkpoint, make_recipe, tmp_path):
    base = make_checkpoint("bert", "SequenceClassification", tokenizer=True)
    recipe = tmp_path / "recipe.yaml"
    steps = (
        {"op": "drop_ffn", "layers": [1], "fill": "attention"},
        {"op": "resize_ffn", "layers": [2], "width": 24, "criterion": "kfac_obs"},
    )
    section = {"samples": 70, "weights": "fisher", "refine": 3}
    loaded = make_recipe(*steps, reconstruct=section)
    recipe.write_text(loaded.recipe.to_yaml())
    words = ["a", "film", "of", "some", "charm", "and", "no", "plot", "one", "will", "soon", "like"]
    texts = tmp_path / "texts.txt"
    texts.write_text(
        "".join(f"{words[n % 12]} {words[n * 5 % 11]} {words[n * 3 % 7]} {n}\n" for n in range(120))
    )
    arguments = ["-m", "bertslim", "cut", str(base), "--recipe", str(recipe), "--data", str(texts)]
    arguments += ["--no-measure", "--threads", "1"]
    one, two = tmp_path / "one", tmp_path / "two"
    assert run([*arguments[2:], "-o", str(one)]) == 0
    done = run_python([*TWO_PROCESSES, *arguments, "-o", str(two)])
    assert done.stdout.count("Written to") == 1
    alone, together = (load_file(each / "model.safetensors") for each in (one, two))
    assert alone.keys() == together.keys()
    for name, tensor in alone.items():
        torch.testing.assert_close(together[name], tensor, atol=1e-5, rtol=1e-5)
    before = load_file(base / "model.safetensors")
    changed = "bert.encoder.layer.1.attention.output.dense.weight"
    assert not torch.equal(before[changed], alone[changed])
