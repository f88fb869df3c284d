"""OpenVINO and NNCF send nothing when bertslim runs them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest


def test_openvino_and_nncf_find_nothing_to_send_with(fresh_python: Callable[..., Any]) -> None:
    pytest.importorskip("openvino")
    pytest.importorskip("nncf")
    done = fresh_python(
        "from bertslim.measure.telemetry import without_telemetry\n"
        "without_telemetry()\n"
        "import openvino.tools.ovc.telemetry_utils as ovc, nncf.telemetry.wrapper as nncf\n"
        "print(ovc.tm.__name__, type(nncf.telemetry).__name__)\n"
    )
    ovc, nncf = done.stdout.split()
    assert ovc == "openvino.tools.ovc.telemetry_stub"
    assert nncf != "NNCFTelemetry"


def test_every_import_of_openvino_comes_after_it() -> None:
    from pathlib import Path

    import bertslim

    importing = [
        path
        for path in Path(bertslim.__file__).parent.rglob("*.py")
        if "        import openvino\n" in path.read_text() or "import nncf" in path.read_text()
    ]
    assert len(importing) >= 2
    for path in importing:
        assert "without_telemetry()" in path.read_text(), path
