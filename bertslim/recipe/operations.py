"""The operations of a recipe: the parameters of each, and what it does to the shape of a layer.

Every operation is one class. The function of the same name in `bertslim.surgery.layer_surgery`
carries it out on the weights. The first words of a field's description state what it takes:
messages quote them.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import Annotated, Literal, Self, get_args

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from bertslim.recipe.effects import DoesNotFitError, LayerEffect, StepLayer
from bertslim.recipe.parameters import LayerNorm, Layers, Rank, nearest_share, rounded_rank
from bertslim.recipe.strict import Strict
from bertslim.records import Block


class BaseOperation(Strict):
    """The properties of an operation that the steps of a cut read, with their defaults."""

    op: str

    @property
    def solved_key(self) -> str | None:
        """The key whose value `reconstruct` solves; None: there is none."""
        return None

    @property
    def needs_importance(self) -> bool:
        """Whether its layers are only known once their importance is measured."""
        return False

    @property
    def measured_criterion(self) -> str | None:
        """What neurons or heads are ranked by, if that is measured on data; None: it is not."""
        return None

    @property
    def narrowed_block(self) -> Block | None:
        """The block of which it keeps some units: neurons of the FFN, or heads of attention."""
        return None

    @property
    def needs_data(self) -> bool:
        """Whether it needs texts."""
        return bool(self.solved_key or self.needs_importance or self.measured_criterion)

    @property
    def fills_with_attention(self) -> bool:
        """Whether the attention output is solved to compensate for the FFN block."""
        return False

    @property
    def fits_gain(self) -> bool:
        """Whether a factor of the FFN output is fitted to data."""
        return False

    @property
    def sets_gain(self) -> bool:
        """Whether the FFN output is multiplied by a given number."""
        return False

    def kept(self, current: int) -> int:
        """Return how many units the block that it narrows keeps of the current ones."""
        return current

    def settled(self, *, has_texts: bool) -> Self:
        """Return the operation with what it leaves open settled by whether there are texts."""
        return self


class LayerOperation(BaseOperation):
    """An operation that is applied to layers, one after the other."""

    layers: Layers

    @property
    def needs_importance(self) -> bool:
        """Whether its layers are only known once their importance is measured."""
        return self.layers.needs_importance

    @abstractmethod
    def effect(self, layer: StepLayer) -> LayerEffect:
        """Return its effect on the shape of a layer.

        Raises:
            DoesNotFitError: It cannot be carried out on this layer.
        """


class DropFfn(LayerOperation):
    """Delete the FFN block of the layers; the residual stays."""

    op: Literal["drop_ffn"]
    layer_norm: LayerNorm = "keep"
    fill: Literal["none", "attention", "linear"] = Field(
        default="none",
        description="what compensates for the block: none, attention (its output map is solved) "
        "or linear (a linear map replaces it)",
    )
    rank: Rank | None = Field(
        default=None,
        description="with fill: linear only, a whole rank of the linear map from 1 on, or a "
        "fraction of the hidden size between 0 and 1, rounded to a multiple of 8",
    )

    @field_validator("rank")
    @classmethod
    def _only_of_a_linear_fill(cls, rank: Rank | None, known: ValidationInfo) -> Rank | None:
        if rank is not None and known.data.get("fill", "linear") != "linear":
            raise ValueError("no linear fill")
        return rank

    @property
    def solved_key(self) -> str | None:
        """The key `fill`, unless it is none."""
        return None if self.fill == "none" else "fill"

    @property
    def fills_with_attention(self) -> bool:
        """Whether the attention output is solved to compensate for the FFN block."""
        return self.fill == "attention"

    def linear_rank(self, hidden_size: int) -> int:
        """Return the rank of the linear fill, `hidden_size` for a full map, 0 for no map."""
        if self.fill != "linear":
            return 0
        return hidden_size if self.rank is None else rounded_rank(self.rank, hidden_size)

    def effect(self, layer: StepLayer) -> LayerEffect:
        """Delete the block; a linear map may take its place."""
        facts = layer.with_own_ffn()
        if self.fills_with_attention and facts.heads == 0:
            raise DoesNotFitError("has no attention block, which fill: attention solves anew")
        rank = self.linear_rank(layer.hidden_size)
        layer.check_rank(rank)
        before = layer.form.norms_before
        norm = facts.ffn_norm and self.layer_norm == "keep" and not (before and not rank)
        if self.fills_with_attention and not (norm or before):
            raise DoesNotFitError("needs the LayerNorm after the FFN block for fill: attention")
        after = facts.model_copy(
            update={
                "intermediate_size": 0,
                "attention_norm": facts.attention_norm
                and (before or not self.fills_with_attention),
                "ffn_norm": norm,
                "linear_rank": rank,
            }
        )
        deleted = "FFN deleted" if norm else "FFN and its LayerNorm deleted"
        between = "" if before else " with the LayerNorm before it"
        fills = {
            "none": "",
            "attention": f"{between}, attention output solved anew",
            "linear": f", {layer.name_linear_map(rank)} in its place",
        }
        return LayerEffect(after, deleted + fills[self.fill])


class ResizeFfn(LayerOperation):
    """Keep only the strongest neurons of the FFN block of the layers."""

    op: Literal["resize_ffn"]
    width: Annotated[int, Field(ge=1)] | Annotated[float, Field(gt=0, lt=1)] = Field(
        description="a whole number of neurons from 1 on, or a fraction of the present ones "
        "between 0 and 1, rounded to a multiple of 8"
    )
    criterion: Literal["magnitude", "activation", "taylor", "fisher", "obs", "kfac_obs"] = Field(
        default="magnitude",
        description="what neurons are ranked by: magnitude (of their weights), activation, taylor, "
        "fisher, obs or kfac_obs (measured on data)",
    )
    bypass: bool | Rank = Field(
        default=False,
        description="true for a linear map beside the block, a whole rank of it from 1 on, a "
        "fraction of the hidden size between 0 and 1, rounded to a multiple of 8, or false",
    )

    @property
    def solved_key(self) -> str | None:
        """The key `bypass`, if there is to be one."""
        return None if self.bypass is False else "bypass"

    @property
    def measured_criterion(self) -> str | None:
        """What neurons are ranked by, if that is measured on data; None: it is not."""
        return None if self.criterion == "magnitude" else self.criterion

    @property
    def narrowed_block(self) -> Block | None:
        """The FFN block."""
        return "ffn"

    def linear_rank(self, hidden_size: int) -> int:
        """Return the rank of the bypass, `hidden_size` for a full map, 0 for no bypass."""
        if isinstance(self.bypass, bool):
            return hidden_size if self.bypass else 0
        return rounded_rank(self.bypass, hidden_size)

    def kept(self, current: int) -> int:
        """Return how many neurons are kept of the current ones.

        A fraction is rounded to the nearest multiple of 8, is at least 8 and never more than the
        current ones; a number is taken as it is, also where it is larger.
        """
        if isinstance(self.width, int):
            return self.width
        return nearest_share(self.width, current)

    def effect(self, layer: StepLayer) -> LayerEffect:
        """Narrow the block; a bypass may stand beside it."""
        facts = layer.with_own_ffn()
        current = facts.intermediate_size
        neurons = self.kept(current)
        if neurons > current:
            raise DoesNotFitError(f"has {current} neurons, fewer than width {neurons}")
        rank = self.linear_rank(layer.hidden_size)
        layer.check_rank(rank)
        if rank and facts.linear_rank:
            raise DoesNotFitError("has a bypass already")
        after = facts.model_copy(
            update={"intermediate_size": neurons, "linear_rank": rank or facts.linear_rank}
        )
        resized = (
            f"FFN width {neurons} already"
            if neurons == current
            else f"FFN {current} -> {neurons} by {self.criterion}"
        )
        bypass = f", {layer.name_linear_map(rank)} beside it" if rank else ""
        return LayerEffect(after, resized + bypass)


def _other_than_zero(number: float) -> float:
    if number == 0:
        raise ValueError("0")
    return number


class ScaleFfn(LayerOperation):
    """Multiply the output of the FFN block of the layers by a number."""

    op: Literal["scale_ffn"]
    gain: (
        Annotated[float, AfterValidator(_other_than_zero), Field(allow_inf_nan=False)]
        | Literal["fit"]
    ) = Field(
        json_schema_extra={"not": {"const": 0}},
        description="a finite number other than 0, which the output is multiplied by, or fit",
    )

    @property
    def solved_key(self) -> str | None:
        """The key `gain`, if it is to be fitted."""
        return "gain" if self.fits_gain else None

    @property
    def fits_gain(self) -> bool:
        """Whether the gain is fitted to data."""
        return self.gain == "fit"

    @property
    def sets_gain(self) -> bool:
        """Whether the gain is given."""
        return not self.fits_gain

    def effect(self, layer: StepLayer) -> LayerEffect:
        """Leave the shape as it is."""
        facts = layer.with_own_ffn()
        gain = "a fitted gain" if isinstance(self.gain, str) else f"{self.gain:g}"
        return LayerEffect(facts, f"FFN output x {gain}")


class ShareFfn(LayerOperation):
    """Let the layers use one FFN block: that of the lowest of them."""

    op: Literal["share_ffn"]

    def effect(self, layer: StepLayer) -> LayerEffect:
        """Leave the lowest layer as it is; let the others use its block."""
        facts = layer.with_own_ffn()
        first, *others = layer.selected
        if not others:
            raise DoesNotFitError("is the only one selected; sharing takes two layers or more")
        if layer.number == first:
            return LayerEffect(facts, f"gives its FFN to layer {', '.join(map(str, others))}")
        action = f"uses the FFN of layer {first}"
        giver = layer.drafts[first].after
        if giver is None or not giver.intermediate_size:
            return LayerEffect(facts, action)  # the giver is refused already, and with it the plan
        for what, own, other in (
            ("neurons", facts.intermediate_size, giver.intermediate_size),
            ("as rank of its bypass", facts.linear_rank, giver.linear_rank),
        ):
            if own != other:
                raise DoesNotFitError(
                    f"has {own} {what}, layer {first} has {other}; share equal blocks"
                )
        return LayerEffect(facts.model_copy(update={"ffn_of": first}), action)


class PruneHeads(LayerOperation):
    """Keep only the strongest heads of the attention block of the layers."""

    op: Literal["prune_heads"]
    heads: Annotated[int, Field(ge=1)] | Annotated[float, Field(gt=0, lt=1)] = Field(
        description="a whole number of heads to keep from 1 on, or a fraction of the present ones "
        "between 0 and 1",
    )
    criterion: Literal["magnitude", "fisher", "obs"] | None = Field(
        default=None,
        description="what heads are ranked by: magnitude (of their weights), fisher or obs "
        "(measured on data); left out, obs if the recipe needs texts anyway, magnitude if not",
    )

    @property
    def measured_criterion(self) -> str | None:
        """What heads are ranked by, if that is measured on data; None: it is not."""
        return None if self.criterion == "magnitude" else self.criterion

    @property
    def narrowed_block(self) -> Block | None:
        """The attention block."""
        return "attention"

    def settled(self, *, has_texts: bool) -> Self:
        """Rank heads by texts where there are any, unless the recipe says by what."""
        if self.criterion is not None:
            return self
        return self.model_copy(update={"criterion": "obs" if has_texts else "magnitude"})

    def kept(self, current: int) -> int:
        """Return how many heads are kept of the current ones.

        A fraction is rounded to the nearest number, at least 1; a number is taken as it is, also
        where it is larger.
        """
        if isinstance(self.heads, int):
            return self.heads
        return max(1, math.floor(self.heads * current + 0.5))

    def effect(self, layer: StepLayer) -> LayerEffect:
        """Delete heads of the attention block."""
        facts = layer.with_attention()
        if layer.form.heads_per_key > 1:
            raise DoesNotFitError(
                "cannot lose heads: they share keys and values; delete the block or its FFN instead"
            )
        heads = self.kept(facts.heads)
        if heads > facts.heads:
            raise DoesNotFitError(f"has {facts.heads} heads, fewer than {heads}")
        action = (
            f"attention heads {facts.heads} -> {heads} by {self.criterion}"
            if heads < facts.heads
            else f"{heads} attention heads already"
        )
        return LayerEffect(facts.model_copy(update={"heads": heads}), action)


class DropAttention(LayerOperation):
    """Delete the attention block of the layers; the residual stays."""

    op: Literal["drop_attention"]
    layer_norm: LayerNorm = "keep"

    def effect(self, layer: StepLayer) -> LayerEffect:
        """Delete the block."""
        facts = layer.with_attention()
        if layer.form.attention_adds_residual:
            raise DoesNotFitError(
                "cannot lose its attention: one module computes it and the sum and norm after it; "
                "narrow the FFN block instead"
            )
        kept = self.layer_norm == "keep" and not layer.form.norms_before
        norm = facts.attention_norm and kept
        after = facts.model_copy(update={"heads": 0, "attention_norm": norm})
        action = "attention deleted" if norm else "attention and its LayerNorm deleted"
        return LayerEffect(after, action)


class DropLayer(LayerOperation):
    """Delete the layers whole."""

    op: Literal["drop_layer"]

    def effect(self, layer: StepLayer) -> LayerEffect:
        """Delete the layer."""
        layer.present()
        if layer.number == 0 and layer.form.first_reads_raw:
            raise DoesNotFitError(
                "cannot go: it alone has no norm before its attention, as the embeddings have one"
            )
        if users := layer.ffn_users():
            raise DoesNotFitError(
                f"gives its FFN block to layer {users[0]}; delete it before they share"
            )
        return LayerEffect(None, "layer deleted")


class PruneVocab(BaseOperation):
    """Keep only the tokens that the data use, with their embeddings."""

    op: Literal["prune_vocab"]
    min_count: Annotated[int, Field(ge=1)] = Field(
        default=1,
        description="a whole number from 1 on: how often the data must use a token that stays",
    )

    @property
    def needs_data(self) -> bool:
        """Always: it counts tokens in texts."""
        return True


Operation = Annotated[
    DropFfn | ResizeFfn | ScaleFfn | ShareFfn | PruneHeads | DropAttention | DropLayer | PruneVocab,
    Field(discriminator="op"),
]


def _by_name(operations: tuple[type[BaseOperation], ...]) -> dict[str, type[BaseOperation]]:
    """Return operations by the only value that their `op` takes."""
    return {get_args(each.model_fields["op"].annotation)[0]: each for each in operations}


OPERATIONS = _by_name(get_args(get_args(Operation)[0]))
