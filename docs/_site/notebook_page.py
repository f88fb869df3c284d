"""A hook of mkdocs: the page that shows the example notebook, as it was executed."""

from __future__ import annotations

import html
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files

PAGE = "reference/notebook.md"
NOTEBOOK = Path(__file__).parents[2] / "examples" / "library" / "slim_encoder.ipynb"


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the page to those of the site."""
    from mkdocs.structure.files import File

    files.append(File.generated(config, PAGE, content=notebook_page()))
    return files


def notebook_page() -> str:
    """Write the cells of the notebook as Markdown, each with what it put out."""
    notebook = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    return "\n\n".join(map(_cell, notebook["cells"])) + "\n"


def _cell(cell: dict[str, Any]) -> str:
    text = "".join(cell["source"])
    if cell["cell_type"] == "markdown":
        return text
    return "\n\n".join([f"```python\n{text}\n```", *map(_output, cell["outputs"])])


def _output(output: dict[str, Any]) -> str:
    shown = output.get("data", {}).get("text/html")
    if shown:
        return "".join(shown)
    return f"<pre><code>{html.escape(''.join(output['text']))}</code></pre>"
