"""The documentation as a site: complete, strict, self-contained, and its search finds."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest
import typer
import yaml

from bertslim.cli import app
from support.browser import BROWSER, browser

ROOT = Path(__file__).parent.parent
BUILDER = shutil.which("mkdocs")
needs_builder = pytest.mark.skipif(BUILDER is None, reason="mkdocs is not installed")


@pytest.fixture(scope="module")
def hook() -> ModuleType:
    return imported_hook("reference_pages")


def imported_hook(name: str) -> ModuleType:
    spec = spec_from_file_location(name, ROOT / "docs" / "_site" / f"{name}.py")
    assert spec
    assert spec.loader
    module = sys.modules[name] = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def pages_of(entry: object) -> Iterator[str]:
    if isinstance(entry, str):
        yield entry
    for inner in entry.values() if isinstance(entry, dict) else entry if isinstance(entry, list) else ():  # fmt: skip
        yield from pages_of(inner)


def test_every_page_is_in_the_navigation_once(hook: ModuleType) -> None:
    settings = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
    listed = list(pages_of(settings["nav"]))
    written = [path.name for path in (ROOT / "docs").glob("*.md")]
    made = [hook.COMMANDS, hook.FUNCTIONS, imported_hook("notebook_page").PAGE]
    assert sorted(listed) == sorted([*written, *made])


def test_the_page_of_the_notebook_has_its_cells_and_what_they_put_out() -> None:
    module = imported_hook("notebook_page")
    page = module.notebook_page()
    cells = json.loads(module.NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    assert page.count("```python\n") == sum(cell["cell_type"] == "code" for cell in cells)
    assert page.startswith("# Slim a sentence encoder")
    assert "<table" in page
    assert "largest difference to PyTorch: " in page.partition("## Export")[2]


def test_the_page_of_commands_has_every_option(hook: ModuleType) -> None:
    page = hook.commands_page()
    for name, command in typer.main.get_command(app).commands.items():  # type: ignore[attr-defined]
        section = page.partition(f"\n## bertslim {name}\n")[2].partition("\n## ")[0]
        assert section, name
        for parameter in command.params:
            options = [option for option in parameter.opts if option.startswith("-")]
            assert all(option in section for option in options), options


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [str(BUILDER), "build", "--strict", "--site-dir", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=300)
    return folder


@pytest.mark.slow
@needs_builder
def test_pages_load_nothing_from_elsewhere(site: Path) -> None:
    pages = list(site.rglob("*.html"))
    assert len(pages) > 30
    for page in pages:
        text = page.read_text(encoding="utf-8")
        loaded = re.findall(r'<(?:script|img|iframe)[^>]+src="?(https?:[^">\s]+)', text)
        styles = re.findall(
            r'<link[^>]+rel="?(?:stylesheet|preconnect)[^>]+(https?:[^">\s]+)', text
        )
        assert not [*loaded, *styles], page.name


@pytest.mark.slow
@needs_builder
def test_the_reference_has_every_public_name(site: Path, hook: ModuleType) -> None:
    text = (site / "reference" / "functions.html").read_text(encoding="utf-8")
    for found in hook.public_objects():
        assert f'id="{found.__module__}.{found.__name__}"' in text, found


@pytest.mark.slow
@needs_builder
@pytest.mark.skipif(BROWSER is None, reason="no Chromium or Chrome on this machine")
def test_the_search_finds_a_page(site: Path, tmp_path: Path) -> None:
    handler = partial(SimpleHTTPRequestHandler, directory=str(site))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server, browser(tmp_path) as shown:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        shown.open(f"http://127.0.0.1:{server.server_port}/index.html?q=reranker", 1280)
        found = shown.evaluate(
            "new Promise(done => { const look = () => {"
            " const links = [...document.querySelectorAll('.md-search-result__link')];"
            " links.length ? done(links.map(one => one.href)) : setTimeout(look, 100) };"
            " look() })"
        )
        server.shutdown()
    assert any("reranker.html" in link for link in found)
