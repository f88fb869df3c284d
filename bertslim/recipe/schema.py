"""What a recipe holds: its operations, and the sections on repair and training.

The first words of a field's description state what it takes: messages quote them.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from bertslim.recipe.operations import Operation, PruneVocab
from bertslim.recipe.source import Problem
from bertslim.recipe.strict import Strict
from bertslim.recipe.yaml import write_yaml
from bertslim.wording import shown


def _whole(number: object) -> object:
    if type(number) is not int:  # as True == 1 == 1.0 would pass for Literal[1]
        raise ValueError("not a whole number")
    return number


class Reconstruct(Strict):
    """The repair after a cut: from texts, without labels."""

    samples: Annotated[int, Field(ge=1)] = Field(
        default=1024, description="a whole number from 1 on: how many texts it is solved from"
    )
    refit: Literal["changed", "outputs", "all"] = Field(
        default="all",
        description="which maps are solved: changed (those that the recipe changes), outputs "
        "(also the output maps of the blocks above) or all (also their input maps)",
    )
    weights: Literal["variance", "fisher"] = Field(
        default="variance",
        description="how much a token counts: variance (by the scale of its LayerNorm) or fisher "
        "(also by the gradient of the outputs; takes a backward pass of the base)",
    )
    refine: Annotated[int, Field(ge=0)] = Field(
        default=0,
        description="a whole number from 0 on: in how many steps of gradient descent the maps of a "
        "narrowed FFN block, or of attention that lost heads or makes up for an FFN block, are "
        "fitted together once the output map is solved (takes a backward pass of the base)",
    )
    head: Literal["scale", "keep"] = Field(
        default="scale",
        description="how a classifier's head is treated: scale (its logits are multiplied by one "
        "number, so that the slim model is as sure as it may be) or keep",
    )


class Distill(Strict):
    """The weights of the terms of the distillation loss."""

    logits: Annotated[float, Field(ge=0)] = Field(
        default=1.0,
        description="a number from 0 on: how much it counts to answer as the base does",
    )
    hidden: Annotated[float, Field(ge=0)] = Field(
        default=6.0,
        description="a number from 0 on: how much it counts to have the base's hidden states",
    )
    labels: Annotated[float, Field(ge=0)] = Field(
        default=0.0,
        description="a number from 0 on: how much the labels of the data count",
    )
    temperature: Annotated[float, Field(gt=0)] = Field(
        default=2.0,
        description="a number above 0 that both models' logits are divided by",
    )

    @property
    def asks_teacher(self) -> bool:
        """Whether anything of the teacher counts."""
        return bool(self.logits or self.hidden)

    @property
    def empty(self) -> bool:
        """Whether nothing counts at all."""
        return not (self.asks_teacher or self.labels)


class Retrain(Strict):
    """How the slim model is trained on the fit split: for so many epochs, steps or minutes."""

    epochs: Annotated[float, Field(gt=0)] | None = Field(
        default=None, description="a number above 0: passes over the fit split"
    )
    steps: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="a whole number from 1 on: batches to train on"
    )
    minutes: Annotated[float, Field(gt=0)] | None = Field(
        default=None, description="a number above 0: how long to train"
    )
    learning_rate: Annotated[float, Field(gt=0, lt=1)] | None = Field(
        default=None,
        description="a number between 0 and 1: the highest learning rate; left out, one that suits "
        "the width of the model",
    )
    batch_size: Annotated[int, Field(ge=1)] = Field(
        default=32, description="a whole number from 1 on: texts a step"
    )
    max_length: Annotated[int, Field(ge=4)] = Field(
        default=128, description="a whole number from 4 on: tokens at which texts are cut"
    )
    dropout: Literal["keep", "off"] = Field(
        default="off",
        description="the model's dropout during training: off (a student comes "
        "nearer to its teacher without) or keep",
    )
    dtype: Literal["auto", "float32"] = Field(
        default="auto",
        description="what products are worked out in: auto (bfloat16 where the processor has it) "
        "or float32",
    )
    patience: Annotated[int, Field(ge=1)] | None = Field(
        default=None,
        description="a whole number from 1 on: after how many looks at the select split without "
        "progress to stop",
    )
    distill: Distill = Field(
        default_factory=Distill, description="a mapping such as {logits: 1.0, hidden: 6.0}"
    )

    @property
    def budgets(self) -> dict[str, float]:
        """The duration of the training, by the key that sets it."""
        durations = {"epochs": self.epochs, "steps": self.steps, "minutes": self.minutes}
        return {key: value for key, value in durations.items() if value is not None}


class Recipe(Strict):
    """What to cut from a model, step by step."""

    version: Annotated[Literal[1], BeforeValidator(_whole)] = Field(
        description="1, the version of recipes that this bertslim reads"
    )
    name: str = Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$",
        max_length=100,
        description="a file name of letters, digits, '_', '-' and '.', at most 100 of them, "
        "that starts with a letter or digit",
    )
    description: str = Field(default="", description="text: what the recipe is for")
    surgery: tuple[Operation, ...] = Field(
        min_length=1,
        strict=False,
        description="a list of at least one operation, carried out in that order",
    )
    reconstruct: Reconstruct | None = Field(
        default=None, description="a mapping such as {samples: 1024}"
    )
    retrain: Retrain | None = Field(default=None, description="a mapping such as {minutes: 3}")

    @property
    def steps(self) -> tuple[Operation, ...]:
        """Its operations, with what they leave open settled by whether the recipe needs texts."""
        return tuple(step.settled(has_texts=self.needs_data) for step in self.surgery)

    @property
    def needs_data(self) -> bool:
        """Whether it needs texts."""
        sections = self.reconstruct is not None or self.retrain is not None
        return sections or any(step.needs_data for step in self.surgery)

    @property
    def needs_importance(self) -> bool:
        """Whether its layers are only known once their importance is measured."""
        return any(step.needs_importance for step in self.surgery)

    @property
    def vocabulary_step(self) -> PruneVocab | None:
        """The step that prunes the vocabulary, if there is one."""
        return next((step for step in self.surgery if isinstance(step, PruneVocab)), None)

    def to_yaml(self) -> str:
        """Return the text of a recipe file that reads back as this recipe."""
        return write_yaml(self.model_dump(mode="json", exclude_none=True))

    def problems(self) -> list[Problem]:
        """Return the problems between keys that are valid by themselves."""
        return [*self._unsolved(), *self._repeated(), *self._untrainable()]

    def _untrainable(self) -> list[Problem]:
        if self.retrain is None:
            if "retrain" not in self.model_fields_set:
                return []
            what = "retrain: an empty value does not fit; write such as {minutes: 3}"
            return [Problem(("retrain",), what)]
        first, *others = self.retrain.budgets or ("",)
        if not first:
            return [Problem(("retrain",), "retrain: set a duration: epochs, steps or minutes")]
        problems = [
            Problem(("retrain", key), f"{key}: {first} sets the duration already; leave one out")
            for key in others
        ]
        if self.retrain.distill.empty:
            problems.append(Problem(("retrain", "distill"), "distill: one weight must be above 0"))
        return problems

    def _repeated(self) -> list[Problem]:
        places = [
            number for number, step in enumerate(self.surgery) if isinstance(step, PruneVocab)
        ]
        what = "op: prune_vocab is there already; one of them is enough"
        return [Problem(("surgery", number, "op"), what) for number in places[1:]]

    def _unsolved(self) -> list[Problem]:
        if self.reconstruct is not None:
            return []
        if "reconstruct" in self.model_fields_set:
            empty = "reconstruct: an empty value does not fit; write such as {samples: 1024}"
            return [Problem(("reconstruct",), empty)]
        return [
            Problem(
                ("surgery", number, key),
                f"{key}: {shown(getattr(step, key))} is solved from data; add "
                "'reconstruct: {samples: 1024}' to the recipe",
            )
            for number, step in enumerate(self.surgery)
            if (key := step.solved_key)
        ]
