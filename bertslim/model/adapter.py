"""Directories that hold an adapter, such as those of LoRA: a part of a model, for a base."""

from __future__ import annotations

from pathlib import Path

from bertslim.errors import ModelError

_ADAPTER_CONFIG_FILE = "adapter_config.json"


def refuse_adapter(directory: Path) -> None:
    """Check that a directory holds no adapter, without which its model is another one.

    Raises:
        ModelError: It holds one.
    """
    if (directory / _ADAPTER_CONFIG_FILE).is_file():
        raise ModelError(
            f"holds an adapter ({_ADAPTER_CONFIG_FILE})",
            where=str(directory),
            remedy="merge it into its base first: `merge_and_unload` of peft, then "
            "`save_pretrained`",
        )
