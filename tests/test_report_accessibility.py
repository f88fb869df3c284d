"""Pages in a browser, looked at by axe: wide and narrow, light and dark."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html import unescape
from importlib.resources import files
from pathlib import Path

import pytest

from bertslim.report.page import page, render_analysis_page, render_page
from bertslim.report.side_by_side import TITLE, side_by_side
from support.example_records import cut_record, full_record, no_change_record

BROWSER = next(filter(None, map(shutil.which, ("chromium", "google-chrome", "chrome"))), None)
RUN_AXE = """axe.run(document).then(found => {
  const told = document.createElement("pre");
  told.textContent = "<<" + JSON.stringify(found.violations.map(
    one => [one.id, ...one.nodes.map(node => node.html.slice(0, 200))])) + ">>";
  document.body.appendChild(told);
})"""
DARK = ["--blink-settings=preferredColorScheme=0"]


def pages() -> dict[str, str]:
    record = full_record()
    return {
        "record": render_page(record),
        "analysis": render_analysis_page(record.analysis),
        "side by side": page(TITLE, ["x"], side_by_side([cut_record(), no_change_record()])),
    }


@pytest.mark.slow
@pytest.mark.skipif(BROWSER is None, reason="no Chromium or Chrome on this machine")
@pytest.mark.parametrize("name", ["record", "analysis", "side by side"])
@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("colours", [[], DARK], ids=["light", "dark"])
def test_axe_finds_nothing(name: str, width: int, colours: list[str], tmp_path: Path) -> None:
    axe = files("axe_core_python").joinpath("axe.min.js").read_text(encoding="utf-8")
    scripts = f"<script>{axe}</script><script>{RUN_AXE}</script></body>"
    path = tmp_path / "page.html"
    path.write_text(pages()[name].replace("</body>", scripts), encoding="utf-8")
    command = [
        *(str(BROWSER), "--headless=new", "--no-sandbox", "--virtual-time-budget=30000"),
        *(f"--window-size={width},900", *colours, "--dump-dom", path.as_uri()),
    ]
    shown = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout
    found = re.search("&lt;&lt;(.*)&gt;&gt;</pre>", shown, re.DOTALL)
    assert found, "axe did not come to an end"
    assert json.loads(unescape(found[1])) == []
