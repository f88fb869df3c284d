"""Recipe + ModelFacts -> plan: the change of each layer, before any weight is touched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bertslim.recipe.effects import DoesNotFitError, LayerDraft, StepLayer
from bertslim.recipe.operations import LayerOperation, Operation
from bertslim.recipe.recipe_files import LoadedRecipe
from bertslim.recipe.schema import Recipe
from bertslim.recipe.selector_text import SelectorError
from bertslim.recipe.sizes import DEFAULT_LENGTH, count, layer_macs, layer_parameters
from bertslim.recipe.source import Location, Problem
from bertslim.records import LayerFacts, LayerPlan, ModelFacts, Plan, StepPlan, VocabularyPlan


@dataclass(frozen=True)
class PlanStep:
    """One operation of a recipe, with the layers that it is applied to.

    Attributes:
        operation: The operation.
        layers: Numbers of layers of the base, ascending; empty where it is not about layers.
    """

    operation: Operation
    layers: tuple[int, ...]


@dataclass(frozen=True)
class CutPlan:
    """A recipe worked out for one model.

    Attributes:
        recipe: The recipe.
        steps: Its operations in order, each with its layers.
        record: The plan as it is shown and kept in the record.
    """

    recipe: Recipe
    steps: tuple[PlanStep, ...]
    record: Plan


def make_plan(
    loaded: LoadedRecipe,
    facts: ModelFacts,
    *,
    length: int = DEFAULT_LENGTH,
    pruned: ModelFacts | None = None,
    importance: Sequence[float] | None = None,
) -> CutPlan:
    """Make the plan of a recipe for a model.

    Args:
        loaded: The recipe, with the file that it was read from.
        facts: The shape of the base.
        length: The sequence length, in tokens, at which MACs are counted.
        pruned: The shape of the base with only the tokens that stay, once the data are read that
            the recipe prunes the vocabulary to.
        importance: What was measured on data, a figure for each layer of the base, larger for those
            that matter more; None: not measured.

    Raises:
        RecipeError: The recipe does not fit the model; lists all problems.
    """
    drafts = [
        LayerDraft(number, before=layer, after=layer) for number, layer in enumerate(facts.layers)
    ]
    problems: list[Problem] = []
    steps = tuple(
        PlanStep(operation, _take_step(operation, number, drafts, facts, importance, problems))
        for number, operation in enumerate(loaded.recipe.steps)
    )
    if not problems and all(draft.after is None for draft in drafts):
        problems.append(Problem(("surgery",), "no layer is left of the model; keep at least one"))
    if problems:
        raise loaded.error(problems)
    rows = _rows(drafts, facts, length)
    kept = [row.after for row in rows if row.after is not None]
    record = Plan(
        steps=tuple(StepPlan(op=step.operation.op, layers=step.layers) for step in steps),
        layers=rows,
        even=_is_even(kept, facts),
        length=length,
        base=count(facts, facts.layers, length),
        slim=count(pruned or facts, kept, length),
        vocabulary=_plan_vocabulary(loaded, facts, pruned),
    )
    return CutPlan(loaded.recipe, steps, record)


def _plan_vocabulary(
    loaded: LoadedRecipe, facts: ModelFacts, pruned: ModelFacts | None
) -> VocabularyPlan | None:
    if loaded.recipe.vocabulary_step is None:
        return None
    return VocabularyPlan(before=facts.vocab_size, after=pruned.vocab_size if pruned else None)


def _take_step(
    operation: Operation,
    number: int,
    drafts: list[LayerDraft],
    facts: ModelFacts,
    importance: Sequence[float] | None,
    problems: list[Problem],
) -> tuple[int, ...]:
    """Apply one operation to the drafts of its layers, and return their numbers."""
    if not isinstance(operation, LayerOperation):
        return ()
    location: Location = ("surgery", number, "layers")
    try:
        _require_all(operation, facts)
        layers = operation.layers.resolve(len(drafts), importance)
    except SelectorError as error:
        problems.append(Problem(location, f"layers: {error}"))
        return ()
    for layer in layers:
        step_layer = StepLayer(
            draft=drafts[layer],
            selected=layers,
            drafts=drafts,
            hidden_size=facts.hidden_size,
            form=facts.form,
        )
        try:
            drafts[layer].apply(operation.effect(step_layer))
        except DoesNotFitError as error:
            problems.append(Problem(location, f"layers: layer {layer} {error}"))
    return layers


def _require_all(operation: LayerOperation, facts: ModelFacts) -> None:
    """Refuse a choice of layers where one serves all depths."""
    passes = facts.form.passes
    if passes > 1 and str(operation.layers) != "all":
        raise SelectorError(
            f"the model's layers are one that is run {passes} times, so that only 'all' has a "
            "meaning"
        )


def _rows(drafts: list[LayerDraft], facts: ModelFacts, length: int) -> tuple[LayerPlan, ...]:
    rows: list[LayerPlan] = []
    slim_numbers: dict[int, int] = {}
    for number, draft in enumerate(drafts):
        after = draft.after
        if after is not None:
            slim_numbers[number] = len(slim_numbers)
            if after.ffn_of is not None:
                after = after.model_copy(update={"ffn_of": slim_numbers[after.ffn_of]})
        rows.append(
            LayerPlan(
                layer=number,
                slim_layer=slim_numbers.get(number),
                before=draft.before,
                after=after,
                actions=tuple(draft.actions),
                parameters_before=layer_parameters(facts, draft.before),
                parameters_after=layer_parameters(facts, after) if after else 0,
                macs_before=layer_macs(facts, draft.before, length),
                macs_after=layer_macs(facts, after, length) if after else 0,
            )
        )
    return tuple(rows)


def _is_even(layers: list[LayerFacts], facts: ModelFacts) -> bool:
    width = layers[0].intermediate_size
    whole = LayerFacts(heads=facts.hidden_size // facts.head_size, intermediate_size=width)
    first = whole.model_copy(update={"attention_norm": not facts.form.first_reads_raw})
    return width > 0 and layers == [first, *[whole] * (len(layers) - 1)]
