"""How a command trains a model, and whether it can; nothing heavy is imported."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from bertslim.devices import Device
from bertslim.errors import ModelError
from bertslim.ranks import Ranks
from bertslim.recipe.schema import Retrain
from bertslim.records import ModelFacts
from bertslim.training.interruption import Interruption, interruption_of


@dataclass(frozen=True)
class TrainingOptions:
    """How to train, beside the section `retrain` of a recipe.

    Attributes:
        target: Where the result will be; what it takes to go on after an interruption lies beside.
        seed: Settles every random step.
        resume: Whether to go on with a run that was interrupted, if there is one.
        force: Whether such a run may be thrown away.
        report_to: The trackers of experiments that Trainer knows, by name.
        ranks: The processes that share the batches.
        resumable: Whether a later run can go on with this one after an interruption.
        device: Where to train.
    """

    target: Path
    seed: int
    resume: bool = False
    force: bool = False
    report_to: tuple[str, ...] = ()
    ranks: Ranks = field(default_factory=Ranks)
    resumable: bool = True
    device: Device = "cpu"

    @property
    def interruption(self) -> Interruption:
        """Where an interrupted run leaves what it takes to go on."""
        return interruption_of(self.target)


def check_teacher(source: str, teacher: ModelFacts, student: ModelFacts, settings: Retrain) -> None:
    """Check that a student of this shape can learn from a teacher.

    Args:
        source: What the teacher is called.
        teacher: Its shape.
        student: The shape of the student.
        settings: How it is trained.

    Raises:
        ModelError: Their heads or vocabularies differ, or hidden states that are to be compared.
    """
    for what, before, after in (
        ("the head", teacher.head or "none", student.head or "none"),
        ("the number of outputs", teacher.labels, student.labels),
        ("the number of tokens", teacher.vocab_size, student.vocab_size),
    ):
        if before != after:
            raise ModelError(
                f"{what} of the teacher is {before}, that of the model {after}",
                where=source,
                remedy="name the model that the other one was cut from as --teacher",
            )
    if settings.distill.hidden and teacher.hidden_size != student.hidden_size:
        raise ModelError(
            f"the hidden states of the teacher are {teacher.hidden_size} wide, those of the model "
            f"{student.hidden_size}",
            where=source,
            remedy="set --hidden-weight 0",
        )
