"""`bertslim bench`."""

from __future__ import annotations

from bertslim.cli.options import DebugOption, Given, JsonOption, QuietOption, takes_options
from bertslim.options.bench import BenchOptions


@takes_options
def bench(
    given: Given[BenchOptions],
    quiet: QuietOption = False,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Time models in several runtimes, and say which is fastest on this machine.

    Each runs in a process of its own, and all take turns. Of a directory the PyTorch checkpoint is
    timed; name the files that were exported into it to time them, too. OpenVINO is an extra:
    pip install 'bertslim[openvino]'. With --alternatives, models are also scored: the one that is
    named, and what could be used in its place.

    \b
    Examples:
      bertslim bench bert-base-uncased ./bert-base-uncased-drop_odd
      bertslim bench ./base ./slim ./slim/onnx/model.onnx --length 32,128
      bertslim bench ./base ./slim --data queries.csv --length 128,data
      bertslim bench ./base.onnx ./slim.onnx --runtime onnxruntime --threads 1
      bertslim bench ./slim --alternatives --data reviews.csv --small-model ./encoder
    """
    options = given.make()
    from bertslim.cli.runs.bench import run

    run(options, quiet=quiet, as_json=as_json)
