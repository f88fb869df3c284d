"""The settings of `bertslim export`. Annotations are evaluated: the command line needs them."""

from dataclasses import dataclass, field
from pathlib import Path

from bertslim.data.data_options import SOURCES_HELP, DataOptions
from bertslim.devices import DeviceChoice
from bertslim.export.formats import NAMES, Format, Precision
from bertslim.option_fields import OptionsModel, group, input_path, option
from bertslim.options.shared import DEVICE, FORCE, SEED, THREADS


@dataclass(frozen=True)
class ExportOptions(OptionsModel):
    """The settings of one export.

    Attributes:
        directory: A checkpoint, with or without a record.
        output: The file to write; None: one named by format and precision, in a folder of the
            directory where its runtimes look for it.
        format: What to write.
        precision: Of its weights.
        first_token: Whether an ONNX file puts out the first token alone.
        data: What int8 is calibrated and measured on; None: the texts of `builtin:pydocs`.
        device: Where the checkpoint runs that an int8 file is compared with; files run on the CPU.
        seed: Seeds the bootstrap of the figures.
        threads: Threads of every computation; None: all cores.
        force: Whether an existing file may be replaced.
    """

    directory: Path = field(metadata=input_path("DIR"))
    output: Path | None = field(
        default=None,
        metadata=option(
            "-o",
            "--output",
            help="The file to write.",
            shown="onnx/model.onnx, openvino/openvino_model.xml or model.pt2 in DIR, with _fp16, "
            "_int8 or _int8_static before the dot",
            role="output",
        ),
    )
    format: Format = field(kw_only=True)
    precision: Precision = "fp32"
    first_token: bool = field(
        default=False,
        metadata=option(
            "--first-token",
            help="ONNX of an encoder with CLS pooling: last_hidden_state is that of the first "
            "token alone, (batch, 1, hidden), and the last layer computes no other.",
        ),
    )
    data: DataOptions | None = field(
        default=None,
        metadata=group(
            DataOptions,
            replaced={
                "data": option(
                    "--data",
                    help="Texts to calibrate int8 and to measure it on, with labels to measure "
                    f"accuracy. {SOURCES_HELP}",
                    shown="builtin:pydocs, for fidelity alone",
                )
            },
        ),
    )
    device: DeviceChoice = field(default="auto", metadata=DEVICE)
    seed: int = field(default=0, metadata=SEED)
    threads: int | None = field(default=None, metadata=THREADS)
    force: bool = field(default=False, metadata=FORCE)

    @property
    def target(self) -> Path:
        """The file to write, or the first of several."""
        return self.output or self.directory / NAMES[self.format, self.precision]
