"""How a result is loaded, in one line of Python."""

from __future__ import annotations

import json
import re

from bertslim.printable import printable
from bertslim.records import Record
from bertslim.records.sources import last_component
from bertslim.report.escape import fenced

_HEAD = re.compile(r"For[A-Z]\w*$")


def is_even(record: Record) -> bool:
    """Whether a stock transformers class loads the result."""
    if record.plan is not None:
        return record.plan.even
    return not record.slim.model_type.startswith("slim_")


def loading(record: Record, *, sentence_transformers: bool = False) -> str:
    """Write how the result is loaded, as Markdown."""
    name = json.dumps(printable(last_component(record.slim.source)), ensure_ascii=False)
    remote = "" if is_even(record) else ", trust_remote_code=True"
    package, call = ("transformers", f"{_auto_class(record.slim.architecture)}.from_pretrained")
    if sentence_transformers:
        package, call = ("sentence_transformers", "SentenceTransformer")
    code = fenced(
        f"from {package} import {call.partition('.')[0]}\n\nmodel = {call}({name}{remote})",
        "python",
    )
    if not remote:
        return code
    own = fenced(f"import bertslim\n\nmodel = bertslim.load({name})", "python")
    return f"{code}\n\nWhere bertslim is installed, no remote code is needed:\n\n{own}"


def _auto_class(architecture: str) -> str:
    head = _HEAD.search(architecture)
    return f"AutoModel{head.group()}" if head else "AutoModel"
