"""The effect of an operation on the shape of one layer, and the layer before it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from bertslim.records import LayerFacts, LayerForm


class DoesNotFitError(ValueError):
    """An operation does not fit a layer; the message goes on from "layer 3"."""


@dataclass(frozen=True)
class LayerEffect:
    """The effect of an operation on one layer.

    Attributes:
        after: The shape of the layer afterwards; None: the layer is deleted.
        action: What is done to it, in a few words for the report.
    """

    after: LayerFacts | None
    action: str


@dataclass
class LayerDraft:
    """One layer of the base while the steps of a recipe are applied to it one by one.

    Attributes:
        number: Number in the base, from 0.
        before: The shape in the base.
        after: The shape after the steps so far, in which `ffn_of` is the number of a layer of the
            base; None: the layer is deleted.
        actions: What is done to it, in words.
    """

    number: int
    before: LayerFacts
    after: LayerFacts | None
    actions: list[str] = field(default_factory=list)

    def apply(self, effect: LayerEffect) -> None:
        """Apply the effect of an operation."""
        self.after = effect.after
        self.actions.append(effect.action)


@dataclass(frozen=True)
class StepLayer:
    """A layer that a step is applied to, as the earlier steps leave it, with all other layers.

    Attributes:
        draft: The layer.
        selected: The numbers of all layers that the step is applied to, ascending.
        drafts: All layers of the base.
        hidden_size: Width of the hidden states.
        form: What all layers have in common.
    """

    draft: LayerDraft
    selected: tuple[int, ...]
    drafts: Sequence[LayerDraft]
    hidden_size: int
    form: LayerForm

    @property
    def number(self) -> int:
        """Its number in the base."""
        return self.draft.number

    def present(self) -> LayerFacts:
        """Return its shape.

        Raises:
            DoesNotFitError: The layer is deleted.
        """
        if self.draft.after is None:
            raise DoesNotFitError("is deleted by an earlier step")
        return self.draft.after

    def with_attention(self) -> LayerFacts:
        """Return its shape.

        Raises:
            DoesNotFitError: The layer has no attention block.
        """
        layer = self.present()
        if layer.heads == 0:
            raise DoesNotFitError("has no attention block")
        return layer

    def with_own_ffn(self) -> LayerFacts:
        """Return its shape.

        Raises:
            DoesNotFitError: The layer has no FFN block, or shares it with another layer.
        """
        layer = self.present()
        if layer.intermediate_size == 0:
            when = " any more after an earlier step" if self.draft.before.intermediate_size else ""
            raise DoesNotFitError(f"has no FFN block{when}")
        partners = self.ffn_users() if layer.ffn_of is None else [layer.ffn_of]
        if partners:
            raise DoesNotFitError(
                f"shares its FFN block with layer {partners[0]}; change it before that"
            )
        return layer

    def ffn_users(self) -> list[int]:
        """Return the numbers of the other layers that use the FFN block of this one."""
        return [
            other.number
            for other in self.drafts
            if other.after is not None and other.after.ffn_of == self.number
        ]

    def check_rank(self, rank: int) -> None:
        """Check that a linear map of the hidden states can have a rank.

        Raises:
            DoesNotFitError: The rank is larger than the hidden size.
        """
        if rank > self.hidden_size:
            raise DoesNotFitError(f"has a hidden size of {self.hidden_size}, less than rank {rank}")

    def name_linear_map(self, rank: int) -> str:
        """Return a linear map of the hidden states in words."""
        return "a linear map" if rank == self.hidden_size else f"a linear map of rank {rank}"
