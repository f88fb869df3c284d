"""How a result is loaded, in one line of Python."""

from __future__ import annotations

import json
import re

from bertslim.printable import printable
from bertslim.records import Record
from bertslim.records.sources import last_component
from bertslim.report.escape import fenced

_HEAD = re.compile(r"For[A-Z]\w*$")
_WITHOUT_REMOTE_CODE = {
    True: "Where bertslim is installed, no remote code is needed:",
    False: "Where bertslim is installed, the model of transformers in it, without what "
    "sentence-transformers applies to its outputs, needs no remote code:",
}


def is_even(record: Record) -> bool:
    """Whether a stock transformers class loads the result."""
    if record.plan is not None:
        return record.plan.even
    return not record.slim.model_type.startswith("slim_")


def loading(record: Record, sentence_transformers: str | None = None) -> str:
    """Write how the result is loaded, as Markdown.

    Args:
        record: The account of the run.
        sentence_transformers: The class of sentence-transformers that runs the result, if one does.
    """
    name = json.dumps(printable(last_component(record.slim.source)), ensure_ascii=False)
    remote = "" if is_even(record) else ", trust_remote_code=True"
    package, call = "transformers", f"{_auto_class(record.slim.architecture)}.from_pretrained"
    if sentence_transformers is not None:
        package, call = "sentence_transformers", sentence_transformers
    code = fenced(
        f"from {package} import {call.partition('.')[0]}\n\nmodel = {call}({name}{remote})",
        "python",
    )
    if not remote:
        return code
    own = fenced(f"import bertslim\n\nmodel = bertslim.load({name})", "python")
    return f"{code}\n\n{_WITHOUT_REMOTE_CODE[sentence_transformers is None]}\n\n{own}"


def _auto_class(architecture: str) -> str:
    head = _HEAD.search(architecture)
    return f"AutoModel{head.group()}" if head else "AutoModel"
