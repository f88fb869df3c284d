"""Read and write the JSON files of a checkpoint, which are objects or lists, and small."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bertslim.errors import ModelError


def read_json_object(path: Path) -> dict[str, Any]:
    """Read a file that holds a JSON object.

    Raises:
        ModelError: It cannot be read, or holds something else.
    """
    content = read_json(path)
    if not isinstance(content, dict):
        raise ModelError("is not a JSON object", where=str(path))
    return content


def read_json(path: Path) -> Any:
    """Read a file that holds JSON, with or without a byte order mark.

    Raises:
        ModelError: It cannot be read, or is not JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ModelError(f"cannot be read ({error.strerror})", where=str(path)) from error
    except (ValueError, RecursionError) as error:
        raise ModelError("is not valid JSON", where=str(path)) from error


def json_bytes(content: object) -> bytes:
    """Return the bytes of a JSON file that people may read."""
    return (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode()
