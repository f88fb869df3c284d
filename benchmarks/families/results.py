"""The files of results of the families benchmark, one a family: what is in it is not run again."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from benchmarks.tools import ResultFile, Results
from bertslim.records import Environment, Frozen

State = Literal["passed", "refused", "far", "none", "fault"]
STEPS = ("cut", "repair", "reload", "onnx", "openvino", "int8")


class Outcome(Frozen):
    """What came of one step.

    Attributes:
        state: passed; refused on purpose; far, for int8 that is not close to float32; none, where
            there was nothing to do; or fault, which is neither.
        figure: What the step is judged by; None where there is none.
        message: The message of a refusal or a fault.
    """

    state: State
    figure: float | None = None
    message: str = ""


class OperationResult(Frozen):
    """One operation on a tiny random model of a family.

    Attributes:
        operation: Its name among `OPERATIONS`.
        everywhere: Why only all layers together can be cut; empty where single layers can.
        cut: Whether the plan fits and the model is made and saved.
        repair: Its figure is what the repair leaves of the squared error on held-out texts.
        reload: Loaded where bertslim is not installed; the largest difference to bertslim's
            answers, relative to the largest answer.
        onnx: In float32; the largest relative difference to PyTorch.
        openvino: The same.
        int8: ONNX in int8; KL to float32 on held-out texts, or what the cosine lacks to 1.
    """

    operation: str
    everywhere: str = ""
    cut: Outcome
    repair: Outcome = Outcome(state="none")
    reload: Outcome = Outcome(state="none")
    onnx: Outcome = Outcome(state="none")
    openvino: Outcome = Outcome(state="none")
    int8: Outcome = Outcome(state="none")

    def outcomes(self) -> dict[str, Outcome]:
        """Return what came of each step, by its name."""
        return {step: getattr(self, step) for step in STEPS}


class CutKl(Frozen):
    """A fine-tuned model cut by a recipe: KL to the base on held-out texts, in nats.

    Both are None where the recipe does not fit the family.
    """

    recipe: str
    unrepaired: float | None = None
    repaired: float | None = None


class Int8Kl(Frozen):
    """A fine-tuned model in int8 beside itself in float32, on held-out texts.

    Attributes:
        kl: In nats.
        agreement: The share of texts of the same class.
        in_float32: What the plan leaves in float32, in words.
    """

    kl: float
    agreement: float
    in_float32: tuple[str, ...] = ()


class TunedResult(Frozen):
    """A tiny model of a family, fine-tuned, and what cuts and int8 cost it.

    Attributes:
        steps: Of the training.
        seconds: Of the training.
        accuracy: On held-out texts.
        rows: How many held-out texts.
        cuts: By recipe.
        int8: As the plan has it.
        int8_throughout: With nothing left in float32.
        strong: The same of the model with some neurons that answer much more strongly than others,
            as those of large models do.
        strong_throughout: The same.
    """

    steps: int
    seconds: float
    accuracy: float
    rows: int
    cuts: tuple[CutKl, ...]
    int8: Int8Kl
    int8_throughout: Int8Kl
    strong: Int8Kl | None = None
    strong_throughout: Int8Kl | None = None


class Document(Results):
    """The content of a file.

    Attributes:
        head: Of the tiny models; empty for a bare encoder.
        operations: In the order in which they were run.
        tuned: The fine-tuned model; None: not run.
        not_tuned: Why there is none; empty where there may be one.
    """

    head: str = ""
    operations: tuple[OperationResult, ...] = ()
    tuned: TunedResult | None = None
    not_tuned: str = ""

    @property
    def is_complete(self) -> bool:
        """Whether both parts were run."""
        return bool(self.operations) and bool(self.tuned or self.not_tuned)

    def operation(self, name: str) -> OperationResult | None:
        """Return what came of an operation, if it was run."""
        return next((one for one in self.operations if one.operation == name), None)


class Store(ResultFile[Document]):
    """The results of a family, in a file of its name."""

    def __init__(self, folder: Path, model_type: str, here: Environment) -> None:
        super().__init__(folder / f"{model_type}.json", Document, here)

    def add(self, new: OperationResult) -> None:
        """Keep what came of an operation, in the place of what came of it before."""
        others = [one for one in self.document.operations if one.operation != new.operation]
        self.update(operations=(*others, new))
