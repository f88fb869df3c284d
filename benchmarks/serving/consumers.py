"""Who loads results, which of their files, and what their makers do not support."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.serving.results import Kind

LOADERS = Path(__file__).with_name("loaders")
_NO_CLASSIFIERS: Mapping[Kind, str] = {"classifier": "it has no classifiers of single texts"}


@dataclass(frozen=True)
class Consumer:
    """One way to load a result.

    Attributes:
        name: Its row.
        reads: Which files of the result.
        environment: The name of the environment.
        loader: The name of its code.
        packages: Those whose versions are told.
        unsupported: Why its makers do not support a kind.
    """

    name: str
    reads: str
    environment: str
    loader: str
    packages: tuple[str, ...]
    unsupported: Mapping[Kind, str] = field(default_factory=dict)

    @property
    def code(self) -> Path:
        """The file of its code."""
        return LOADERS / self.loader


_RESULT, _ONNX, _OPENVINO = "the result", "onnx/", "openvino/"
CONSUMERS = (
    Consumer(
        "transformers, oldest", _RESULT, "transformers-oldest", "by_transformers.py",
        ("transformers",),
    ),
    Consumer(
        "transformers, newest", _RESULT, "transformers-newest", "by_transformers.py",
        ("transformers",),
    ),
    Consumer(
        "sentence-transformers", _RESULT, "sentence-transformers", "by_sentence_transformers.py",
        ("sentence-transformers", "transformers"), _NO_CLASSIFIERS,
    ),
    Consumer(
        "sentence-transformers, ONNX", _ONNX, "optimum-onnx", "by_sentence_transformers_onnx.py",
        ("sentence-transformers", "transformers"), _NO_CLASSIFIERS,
    ),
    Consumer(
        "sentence-transformers, OpenVINO", _OPENVINO, "optimum-intel",
        "by_sentence_transformers_openvino.py", ("sentence-transformers", "transformers"),
        _NO_CLASSIFIERS,
    ),
    Consumer(
        "optimum-onnx", _ONNX, "optimum-onnx", "by_optimum_onnx.py",
        ("optimum-onnx", "transformers"),
    ),
    Consumer(
        "optimum-intel", _OPENVINO, "optimum-intel", "by_optimum_intel.py",
        ("optimum-intel", "transformers"),
    ),
    Consumer(
        "ONNX Runtime alone", _ONNX, "onnxruntime", "by_onnxruntime.py",
        ("onnxruntime", "tokenizers"),
    ),
    Consumer(
        "OpenVINO alone", _OPENVINO, "openvino", "by_openvino.py", ("openvino", "tokenizers"),
    ),
    Consumer(
        "transformers.js", _ONNX, "transformers-js", "by_transformers_js.mjs",
        ("@huggingface/transformers",),
    ),
    Consumer("fastembed", _ONNX, "fastembed", "by_fastembed.py", ("fastembed",), _NO_CLASSIFIERS),
    Consumer("txtai", _RESULT, "txtai", "by_txtai.py", ("txtai", "transformers")),
    Consumer("txtai, ONNX", _ONNX, "txtai", "by_txtai_onnx.py", ("txtai", "transformers")),
)  # fmt: skip
