"""Keep the libraries that bertslim calls from sending telemetry."""

from __future__ import annotations

import sys


def without_telemetry() -> None:
    """Let OpenVINO and NNCF find no package to send telemetry with, as if it were not installed.

    They import it when they are imported themselves, and send unless the user has opted out.
    """
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
