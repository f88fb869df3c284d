"""The forms in which every alternative is served: a runtime, and the precision of its file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bertslim.errors import InputError
from bertslim.export.formats import Format, Precision
from bertslim.measure.environment import cpu_multiplies_bfloat16
from bertslim.measure.runtimes import Runtime, is_installed


@dataclass(frozen=True)
class ModelForm:
    """A model as something runs it.

    Attributes:
        runtime: What runs it.
        format: The file that is made for it; None: the checkpoint itself is run.
        precision: Of that file.
    """

    runtime: Runtime
    format: Format | None = None
    precision: Precision = "fp32"

    def __str__(self) -> str:
        return f"{self.runtime}, int8" if self.precision == "int8" else str(self.runtime)

    @property
    def installed(self) -> bool:
        """Whether the packages are there that write and run it."""
        quantiser = (self.format, self.precision) == (Format.OPENVINO, "int8")
        return self.runtime.installed and (not quantiser or is_installed("nncf"))


FORMS = (
    ModelForm(Runtime.TORCH),
    ModelForm(Runtime.TORCH_BF16),
    ModelForm(Runtime.ONNXRUNTIME, Format.ONNX),
    ModelForm(Runtime.ONNXRUNTIME, Format.ONNX, "int8"),
    ModelForm(Runtime.OPENVINO, Format.OPENVINO),
    ModelForm(Runtime.OPENVINO, Format.OPENVINO, "int8"),
    ModelForm(Runtime.OPENVINO_BF16, Format.OPENVINO),
    ModelForm(Runtime.OPENVINO_BF16, Format.OPENVINO, "int8"),
)
WHOLE_FORM = FORMS[0]  # of the whole model, which all are compared with


def chosen_forms(wanted: Sequence[Runtime]) -> tuple[ModelForm, ...]:
    """Return the forms to compare; that of the whole model in PyTorch is always among them.

    Args:
        wanted: Runtimes; none: those that are installed and that the CPU is made for, and of
            OpenVINO in int8 what a file is run in that is loaded plainly.

    Raises:
        InputError: One of them is not installed, or runs no alternatives.
    """
    for runtime in wanted:
        runtime.check_installed()
        if runtime not in {form.runtime for form in FORMS}:
            raise InputError(
                "runs no alternatives",
                where=runtime.value,
                remedy="leave it out, or time the models by themselves",
            )
    if wanted:
        return tuple(form for form in FORMS if form.runtime in (*wanted, Runtime.TORCH))
    bfloat16 = cpu_multiplies_bfloat16()
    twice = ModelForm(Runtime.OPENVINO, Format.OPENVINO, "int8")
    return tuple(
        form
        for form in FORMS
        if (bfloat16 or not form.runtime.in_bfloat16) and not (bfloat16 and form == twice)
    )
