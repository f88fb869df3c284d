"""Where models and data came from, named without local paths."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import PurePath

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?")
_DATA_FILE = re.compile(
    r"\.(csv|tsv|json|jsonl|ndjson|parquet|txt|conll|bio|iob)(\.\w+)?$", re.IGNORECASE
)
_PATH_IN_TEXT = re.compile(
    r"""(?<![\w:/.~])           # neither a URL nor "and/or"
        (?:~|\.{1,2})?/         # from the root, the home or here
        (?:[^\s/'"`,;:()]+/)+   # the folders
        ([^\s/'"`,;:()]*)       # the last component
    """,
    re.VERBOSE,
)


def is_path(source: str) -> bool:
    """Whether a source is a local path rather than a Hub id or a `scheme:name`.

    Records hold the paths of models in absolute form, so that no Hub id looks like one.
    """
    return (
        source.startswith(("/", ".", "~", "file:"))
        or "\\" in source
        or source.count("/") > 1
        or source.endswith("/")
        or bool(_DATA_FILE.search(source))
    )


def is_hub_id(source: str) -> bool:
    """Whether a source names a model on the Hugging Face Hub."""
    return bool(_HUB_ID.fullmatch(source)) and not is_path(source)


def shown_source(source: str) -> str:
    """Name a source: the last component of a path, anything else as it is."""
    return last_component(source) if is_path(source) else source


def without_paths(text: str, known: Iterable[str] = ()) -> str:
    """Shorten local paths in a text to their last component.

    Args:
        text: A note, a value of a recipe or of a context.
        known: Sources that may occur in it, whose paths may hold spaces.
    """
    for source in sorted(known, key=len, reverse=True):
        if is_path(source) and len(source) > 1:
            text = text.replace(source, shown_source(source))
    return _PATH_IN_TEXT.sub(lambda match: match.group(1) or PurePath(match.group()).name, text)


def last_component(path: str) -> str:
    """The last component of a path, which is all of it that is shown."""
    return PurePath(path.replace("\\", "/")).name or path
