"""One transformer layer as surgery, repair, analysis and export see it.

A layer is two blocks, attention and FFN, each with a norm before it or none, its linear maps, a
join with the residual, and a norm after it or none:

    update = block(norm_before(states))      sum = states + update      output = norm_after(sum)

Which norms there are is a fact of the family's layout, so nothing here asks for a family by name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle
from transformers import PreTrainedModel
from transformers.modeling_outputs import BaseModelOutputWithPoolingAndCrossAttentions

from bertslim.model import slim_modeling
from bertslim.model.families import AttentionLayout, BlockLayout, Family, FfnLayout, family_named
from bertslim.model.linear_maps import packed, parted
from bertslim.model.slim_modeling import NoAttention, NoFFN
from bertslim.records import Block


@dataclass(frozen=True)
class LayerArguments:
    """What a model passes to each of its layers beside the hidden states.

    Attributes:
        arguments: Positional arguments, such as the attention mask as the layers take it.
        keywords: Keyword arguments.
    """

    arguments: tuple[Any, ...]
    keywords: dict[str, Any]


@dataclass(frozen=True)
class _LayerBlock:
    """What the two blocks of a layer have in common.

    Attributes:
        layer: The module of the layer that the block belongs to.
        family: The family of the model.
    """

    layer: nn.Module
    family: Family

    @property
    def layout(self) -> BlockLayout:
        """Where the block lies in the layer."""
        raise NotImplementedError

    @property
    def module(self) -> nn.Module:
        """The module that computes the block first."""
        return self.submodule(self.layout.modules[0])

    @property
    def output(self) -> nn.Linear:
        """The output map of the block, onto hidden_size."""
        return self.linear(self.layout.output)

    @property
    def norm_after(self) -> nn.Module | None:
        """The LayerNorm that follows the sum of block and residual; Identity where it is removed.

        None where the family has none.
        """
        name = self.layout.norm_after
        return None if name is None else self.submodule(name)

    def read(self, states: Tensor) -> Tensor:
        """Return what the first maps of the block take: the states after the norm before it."""
        name = self.layout.norm_before
        return states if name is None else cast(Tensor, self.submodule(name)(states))

    def normalise(self, residual_sum: Tensor) -> Tensor:
        """Return the sum of block and residual after the norm that follows it."""
        norm = self.norm_after
        return residual_sum if norm is None else cast(Tensor, norm(residual_sum))

    def remove_norm(self) -> None:
        """Delete the norm of the block, before it or after it."""
        slim_modeling.remove_norm(self.layer, self.layout.norm)

    def submodule(self, name: str) -> nn.Module:
        """Return a module by its dotted name below the layer."""
        return self.layer.get_submodule(name)

    def linear(self, name: str) -> nn.Linear:
        """Return a linear map by its dotted name below the layer."""
        linear = self.submodule(name)
        assert isinstance(linear, nn.Linear)  # noqa: S101
        return linear


@dataclass(frozen=True)
class AttentionBlock(_LayerBlock):
    """The attention block of a layer."""

    @property
    def layout(self) -> AttentionLayout:
        """Where the block lies in the layer."""
        return self.family.layout.attention

    @property
    def is_present(self) -> bool:
        """Whether the block is there."""
        return not isinstance(self.module, NoAttention)

    @property
    def inputs(self) -> list[nn.Linear]:
        """The query, key and value maps, or the one map that is all three."""
        return [self.linear(name) for name in self.layout.inputs]

    @property
    def inputs_of_states(self) -> list[nn.Linear]:
        """Those that read the states of tokens alone, and no relative positions beside."""
        return self.inputs[2:] if self.layout.reads_positions else self.inputs

    @property
    def head_size(self) -> int:
        """Channels of a head."""
        return int(getattr(self.module, self.layout.head_size))

    @property
    def width(self) -> int:
        """Channels of all heads together."""
        return self.output.in_features

    @property
    def heads(self) -> int:
        """How many heads there are."""
        return self.width // self.head_size

    def parted_inputs(self) -> list[nn.Linear]:
        """Return the query, key and value maps, also where one map is all three."""
        return self.inputs if len(self.inputs) > 1 else parted(self.inputs[0], 3)

    def set_maps(self, inputs: Sequence[nn.Linear], output: nn.Linear) -> None:
        """Replace the query, key and value maps and the output map."""
        names = self.layout.inputs
        maps = inputs if len(names) > 1 else [packed(*inputs)]
        for name, linear in zip(names, maps, strict=True):
            self.layer.set_submodule(name, linear)
        self.layer.set_submodule(self.layout.output, output)

    def set_module(self, module: nn.Module) -> None:
        """Replace the module that computes attention."""
        self.layer.set_submodule(self.layout.modules[0], module)

    @property
    def bias_heads(self) -> list[int] | None:
        """The number of each of its heads in the bias that all layers share.

        None where they are all heads of the bias, or there is no such bias.
        """
        return getattr(self.module, "bias_heads", None)

    def keep_heads(self, kept: Sequence[int]) -> None:
        """Tell the module that computes attention which of its heads its maps still have."""
        slim_modeling.set_heads(self.module, self.family, len(kept))
        if self.family.heads_share_bias:
            numbers = self.bias_heads
            shares = list(kept) if numbers is None else [numbers[head] for head in kept]
            slim_modeling.take_share_of_bias(self.module, shares)

    def context(self, hidden: Tensor, given: LayerArguments) -> Tensor:
        """Return what is passed to the output map; nothing after that runs.

        Args:
            hidden: What goes into the layer, (sequences, length, hidden_size).
            given: What the layer gets beside it.

        Returns:
            (sequences, length, heads x head_size)
        """
        arguments, _ = run_until(
            self.output, lambda: self.layer(hidden, *given.arguments, **given.keywords)
        )
        return cast(Tensor, arguments[0])

    def join(self, hidden: Tensor, context: Tensor | None) -> Tensor:
        """Return the sum of block and residual; without a context, the residual alone."""
        return hidden if context is None else hidden + self.output(context)

    def run(self, hidden: Tensor, given: LayerArguments) -> Tensor:
        """Return the states between the two blocks of the layer."""
        context = self.context(hidden, given) if self.is_present else None
        return self.normalise(self.join(hidden, context))

    def remove(self) -> None:
        """Delete the block; the residual and its LayerNorm stay."""
        slim_modeling.remove_attention(self.layer, self.family)


@dataclass(frozen=True)
class FfnBlock(_LayerBlock):
    """The FFN block of a layer, or the linear map in its place."""

    @property
    def layout(self) -> FfnLayout:
        """Where the block lies in the layer."""
        return self.family.layout.ffn

    @property
    def is_present(self) -> bool:
        """Whether the block, or a linear map in its place, is there."""
        return not isinstance(self.module, NoFFN)

    @property
    def input(self) -> nn.Linear:
        """The map whose outputs are activated, hidden_size -> intermediate_size.

        In a gated block whose input maps are one, it has twice as many outputs.
        """
        return self.linear(self.layout.input)

    @property
    def up(self) -> nn.Linear | None:
        """The other input map of a gated block that has two."""
        return None if self.layout.up is None else self.linear(self.layout.up)

    @property
    def inputs(self) -> list[nn.Linear]:
        """The input maps of the block: one, or two where it is gated."""
        return [self.input] if self.up is None else [self.input, self.up]

    @property
    def intermediate_size(self) -> int:
        """How many neurons there are."""
        return self.output.in_features

    def rows_of(self, neurons: Tensor) -> Tensor:
        """Return the outputs of `input` that some neurons take, by the numbers of the neurons."""
        if not self.layout.input_is_both:
            return neurons
        return torch.cat([neurons, neurons + self.intermediate_size])

    @property
    def linear_map(self) -> nn.Linear | nn.Sequential | None:
        """The linear map in the block's place or beside the block, as `slim_modeling.linear_of`."""
        return slim_modeling.linear_of(self.layer, self.family)

    @property
    def modules(self) -> list[nn.Module]:
        """The modules that compute the block, in their order."""
        return [self.submodule(name) for name in self.layout.modules]

    @property
    def activation(self) -> nn.Module:
        """The activation between the two maps."""
        return self.submodule(self.layout.activation)

    def neurons(self, states: Tensor) -> Tensor:
        """Return what the output map takes, (sequences, length, intermediate_size)."""
        inputs = self.read(states)
        if self.layout.input_is_both:
            gates, values = self.input(inputs).chunk(2, dim=-1)
            return cast(Tensor, self.activation(gates) * values)
        neurons = self.activation(self.input(inputs))
        if self.up is not None:
            return cast(Tensor, neurons * self.up(inputs))
        return cast(Tensor, neurons[0] if isinstance(neurons, tuple) else neurons)

    def update(self, states: Tensor) -> Tensor:
        """Return what the block, or the map in its place, adds; zero where there is neither."""
        update = self.read(states)
        for module in self.modules:
            update = module(update)
        return update

    def join(self, states: Tensor) -> Tensor:
        """Return the sum of block and residual."""
        return states + self.update(states)

    def run(self, states: Tensor) -> Tensor:
        """Return the output of the layer from the states between its blocks."""
        return self.normalise(self.join(states))

    def remove(self) -> None:
        """Delete the block; the residual and its LayerNorm stay."""
        slim_modeling.remove_ffn(self.layer, self.family)

    def fill(self, rank: int) -> None:
        """Put a linear map, zero at first, in the place of the block."""
        slim_modeling.fill_ffn(self.layer, self.family, rank)

    def add_bypass(self, rank: int) -> None:
        """Put a linear map of the block's input, zero at first, beside the block."""
        slim_modeling.add_bypass(self.layer, self.family, rank)

    def share_from(self, giver: FfnBlock) -> None:
        """Use the block of another layer in place of the own one; they are one object then."""
        slim_modeling.share_ffn(giver.layer, self.layer, self.family)

    def set_maps(
        self,
        inputs: Sequence[nn.Module],
        output: nn.Module,
        *,
        activation: nn.Module | None = None,
    ) -> None:
        """Replace the maps of the block, and the activation between them if one is given."""
        names = [self.layout.input, self.layout.up]
        for name, module in zip(names, inputs, strict=False):
            assert name is not None  # noqa: S101
            self.layer.set_submodule(name, module)
        if activation is not None:
            self.layer.set_submodule(self.layout.activation, activation)
        self.layer.set_submodule(self.layout.output, output)


@dataclass(frozen=True)
class Layer:
    """One transformer layer of a base or slim model.

    Attributes:
        module: The layer's own module.
        family: The family of the model, whose layout says where the blocks lie.
    """

    module: nn.Module
    family: Family

    @property
    def attention(self) -> AttentionBlock:
        """The attention block."""
        return AttentionBlock(self.module, self.family)

    @property
    def ffn(self) -> FfnBlock:
        """The FFN block."""
        return FfnBlock(self.module, self.family)

    def block(self, name: Block) -> AttentionBlock | FfnBlock:
        """Return a block by its name."""
        return self.attention if name == "attention" else self.ffn

    def _norm_of_sum(self, block: Block) -> nn.Module | None:
        """Return the norm that reads the sum of a block and the residual.

        None where that sum is what the layer returns.
        """
        if block == "attention":
            name = self.family.layout.attention.norm_after or self.family.layout.ffn.norm_before
        else:
            name = self.family.layout.ffn.norm_after
        return None if name is None else self.module.get_submodule(name)

    def watch_sum(self, block: Block, see: Callable[[Tensor], None]) -> RemovableHandle:
        """Look at the sum of a block and the residual whenever it is made.

        Returns:
            What ends it.
        """
        norm = self._norm_of_sum(block)
        if norm is None:
            return watch_output(self.module, see)
        return norm.register_forward_pre_hook(lambda _, inputs: see(inputs[0]))


def watch_output(module: nn.Module, see: Callable[[Tensor], None]) -> RemovableHandle:
    """Look at what a module puts out, the first of several, and return what ends it."""

    def hook(_: nn.Module, __: tuple[Any, ...], output: Any) -> None:
        see(output[0] if isinstance(output, tuple) else output)

    return module.register_forward_hook(hook)


def family_of_model(model: PreTrainedModel) -> Family:
    """Return the family of a stock or slim model."""
    return family_named(model.config.model_type)


def model_layers(model: PreTrainedModel) -> list[Layer]:
    """Return the transformer layers of a model, with or without a head, from the bottom up."""
    family = family_of_model(model)
    return [Layer(module, family) for module in slim_modeling.layers_of(model, family)]


def passes_of(model: PreTrainedModel) -> int:
    """Return how often hidden states go through all layers of a model, one after the other."""
    key = family_of_model(model).passes
    return 1 if key is None else int(getattr(model.config, key))


def set_layers(model: PreTrainedModel, layers: Sequence[Layer]) -> None:
    """Give a model these layers in place of its own."""
    modules = nn.ModuleList(layer.module for layer in layers)
    model.base_model.set_submodule(family_of_model(model).layers, modules)


def layer_stack(model: PreTrainedModel) -> nn.Module:
    """Return the module that runs the layers, with what the layers share."""
    return model.base_model.get_submodule(family_of_model(model).stack)


def embeddings_module(model: PreTrainedModel) -> nn.Module:
    """Return the module that turns tokens into embeddings."""
    return model.base_model.get_submodule(family_of_model(model).embeddings_module)


def encoder_modules(model: PreTrainedModel) -> list[nn.Module]:
    """Return the modules that hold the layers and what they share, none within another."""
    family, encoder = family_of_model(model), model.base_model
    stack = family.stack or family.layers
    norms = (norm.module for norm in family.shared_norms)
    names = (stack, *(name for name in norms if not name.startswith(f"{stack}.")))
    return [encoder.get_submodule(name) for name in names]


def _norm_of_stack(model: PreTrainedModel) -> nn.Module:
    """Return the norm that ends the module of the layers; what returns its input without one."""
    family = family_of_model(model)
    names = (norm.module for norm in family.shared_norms if norm.is_final)
    inside = (name for name in names if name.startswith(f"{family.stack}.") or not family.stack)
    return next((model.base_model.get_submodule(name) for name in inside), nn.Identity())


def layer_inputs(
    model: PreTrainedModel, inputs: dict[str, Tensor]
) -> tuple[Tensor, tuple[LayerArguments, ...]]:
    """Return the hidden states that the first layer gets, and what else each layer gets.

    Where a family has several kinds of layer, such as local and global ones, those of one kind get
    the same. No layer runs, and nothing after the layers.

    Returns:
        (sequences, length, hidden_size), and the other arguments of each layer.
    """
    layers = [layer.module for layer in model_layers(model)]
    attribute = family_of_model(model).kind_of_layer
    kinds = [getattr(layer, attribute) if attribute else None for layer in layers]
    hidden, given = None, {}
    with _passing_on(layers):
        for kind in dict.fromkeys(kinds):
            first = layers[kinds.index(kind)]
            (states, *arguments), keywords = run_until(first, lambda: model(**inputs))
            hidden = states if hidden is None else hidden
            given[kind] = LayerArguments(tuple(arguments), keywords)
    assert hidden is not None  # noqa: S101
    return hidden, tuple(given[kind] for kind in kinds)


@contextmanager
def _passing_on(layers: Sequence[nn.Module]) -> Iterator[None]:
    """Let layers return their input without running."""
    for layer in layers:
        layer.forward = lambda hidden, *_, **__: hidden
    try:
        yield
    finally:
        for layer in layers:
            del layer.forward


def run_head(model: PreTrainedModel, inputs: dict[str, Tensor], hidden: Tensor) -> Any:
    """Return the outputs of a model for the hidden states after its last layer; no layer runs.

    Args:
        model: With a head or without.
        inputs: What the model takes.
        hidden: (sequences, length, hidden_size)
    """
    with _stack_returning(model, hidden):
        return model(**inputs)


@contextmanager
def _stack_returning(model: PreTrainedModel, hidden: Tensor) -> Iterator[None]:
    """Let the layers of a model return these hidden states without running."""
    stack: Any = layer_stack(model)
    hidden = _norm_of_stack(model)(hidden)
    states = (hidden,) if family_of_model(model).reads_all_states else None
    # the encoder itself runs the layers of some families, and its pooler after them
    pooler = getattr(stack, "pooler", None)
    output = BaseModelOutputWithPoolingAndCrossAttentions(
        last_hidden_state=hidden,
        pooler_output=None if pooler is None else pooler(hidden),
        hidden_states=states,
    )
    stack.forward = lambda *_, **__: output
    try:
        yield
    finally:
        del stack.forward


class _ReachedError(Exception):
    def __init__(self, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> None:
        super().__init__()
        self.arguments, self.keywords = arguments, keywords


def run_until(
    module: nn.Module, call: Callable[[], object]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Run a call until it reaches a module, and return the arguments of that module's call."""

    def stop(_: nn.Module, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> None:
        raise _ReachedError(arguments, keywords)

    handle = module.register_forward_pre_hook(stop, with_kwargs=True, prepend=True)
    try:
        call()
    except _ReachedError as reached:
        return reached.arguments, reached.keywords
    finally:
        handle.remove()
    raise ValueError("the call never reached the module")
