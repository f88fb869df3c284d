"""What the repair benchmark cuts, and what may make up for each cut."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from bertslim.recipe.operations import ResizeFfn
from bertslim.recipe.schema import Recipe, Reconstruct

SAMPLES = 1024
TOP_LAYERS = "top_layers"
RECIPE_NAME = "cut"
CRITERIA = get_args(ResizeFfn.model_fields["criterion"].annotation)
HEAD_CRITERIA = ("magnitude", "fisher", "obs")
REFITS = get_args(Reconstruct.model_fields["refit"].annotation)
WEIGHTS = get_args(Reconstruct.model_fields["weights"].annotation)

Importance = Literal["magnitude", "taylor"]


@dataclass(frozen=True)
class Settings:
    """What the user may set about the repair; None: as bertslim has it by itself.

    Attributes:
        criteria: What neurons are ranked by before a repair, each a row of its own.
        head_criteria: The same of heads.
        refine: In how many steps narrowed blocks are refined, in a row of its own; 0: they are not.
        samples: How many texts a repair gets.
        refit: The key of that name of the section `reconstruct`.
        weights: The same.
    """

    criteria: tuple[str, ...]
    head_criteria: tuple[str, ...] = ("obs",)
    refine: int = 0
    samples: int = SAMPLES
    refit: str | None = None
    weights: str | None = None

    @property
    def reconstruct(self) -> dict[str, Any]:
        """The section of a recipe."""
        given = {"refit": self.refit, "weights": self.weights}
        return {"samples": self.samples} | {key: value for key, value in given.items() if value}


@dataclass(frozen=True)
class Cut:
    """One step of surgery or two, and the keys by which they are repaired.

    Attributes:
        name: For the command line and the file of results.
        title: For the table.
        step: The step without repair.
        repair: The keys that are added to it for the repair.
        weights: The key of that name of the section `reconstruct`; None: as bertslim has it.
        width: The share of the neurons that every FFN block keeps beside, by `kfac_obs` before a
            repair; None: all.
    """

    name: str
    title: str
    step: Mapping[str, Any]
    repair: Mapping[str, Any] = field(default_factory=dict)
    weights: str | None = None
    width: float | None = None

    @property
    def reconstruct(self) -> dict[str, Any]:
        """The section of a recipe."""
        return {"weights": self.weights} if self.weights else {}

    def criteria(self, settings: Settings) -> tuple[str, ...]:
        """Return what units are ranked by before a repair; "" where none are left out."""
        by_operation = {"resize_ffn": settings.criteria, "prune_heads": settings.head_criteria}
        return by_operation.get(self.step["op"], ("",))

    def beside(self, criterion: str) -> list[dict[str, Any]]:
        """Return the step that comes first, if there is one."""
        if self.width is None:
            return []
        return [_narrow("all", self.width)["step"] | {"criterion": criterion}]

    @property
    def refines(self) -> bool:
        """Whether it leaves blocks whose maps can be fitted together."""
        return self.step["op"] != "drop_ffn" or self.repair.get("fill") == "attention"

    @property
    def narrows(self) -> bool:
        """Whether it keeps some of the neurons, which Torch-Pruning can do as well."""
        return bool(self.step["op"] == "resize_ffn")


@dataclass(frozen=True)
class Candidate:
    """One way to carry a cut out.

    Attributes:
        method: For the command line and the file of results.
        title: For the table.
        recipe: What `bertslim cut` is given, and, for Torch-Pruning, layers and width.
        importance: Torch-Pruning's, in place of bertslim's surgery; None: bertslim's.
    """

    method: str
    title: str
    recipe: Recipe
    importance: Importance | None = None

    @property
    def repairs(self) -> bool:
        """Whether what it cuts is solved anew."""
        return self.recipe.reconstruct is not None

    @property
    def refines(self) -> bool:
        """Whether the maps of narrowed blocks are then fitted together."""
        section = self.recipe.reconstruct
        return section is not None and section.refine > 0

    @property
    def reads_texts(self) -> bool:
        """Whether texts are needed for it."""
        return self.recipe.needs_data


def _drop(layers: str, fill: str) -> dict[str, Any]:
    return {"step": {"op": "drop_ffn", "layers": layers}, "repair": {"fill": fill}}


def _narrow(layers: str, width: float, *, bypass: bool = False) -> dict[str, Any]:
    step = {"op": "resize_ffn", "layers": layers, "width": width}
    return {"step": step, **({"repair": {"bypass": True}, "weights": "fisher"} if bypass else {})}


HALF_THE_HEADS = {"op": "prune_heads", "layers": "all", "heads": 0.5}

# Widths are shares, so that one recipe fits encoders of any size: 1/8 of MiniLM's 1,536 are 192.
CUTS = (
    Cut("drop_odd_attention", "odd FFN deleted, attention fill", **_drop("odd", "attention")),
    Cut("drop_odd_linear", "odd FFN deleted, linear fill", **_drop("odd", "linear")),
    Cut("eighth_odd", "odd FFN to 1/8", **_narrow("odd", 0.125)),
    Cut("eighth_odd_bypass", "odd FFN to 1/8 + bypass", **_narrow("odd", 0.125, bypass=True)),
    Cut("quarter_all", "all FFN to 1/4", **_narrow("all", 0.25)),
    Cut("eighth_all_bypass", "all FFN to 1/8 + bypass", **_narrow("all", 0.125, bypass=True)),
    Cut("drop_all_linear", "all FFN deleted, linear fill", **_drop("all", "linear")),
    Cut("half_heads", "half of the heads", HALF_THE_HEADS),
    Cut("quarter_all_half_heads", "all FFN to 1/4, half of the heads", HALF_THE_HEADS, width=0.25),
)


def candidates(cut: Cut, settings: Settings) -> Iterator[Candidate]:
    """Return the ways to carry a cut out: unrepaired, repaired, and by Torch-Pruning."""
    plain = _recipe([*cut.beside("magnitude"), cut.step])
    yield Candidate("none", "no repair", plain)
    section = cut.reconstruct | settings.reconstruct
    for criterion in cut.criteria(settings):
        chosen = {"criterion": criterion} if criterion else {}
        steps = [*cut.beside("kfac_obs"), {**cut.step, **cut.repair, **chosen}]
        suffix, title = (f"_{criterion}", f", {criterion}") if criterion else ("", "")
        yield Candidate(f"repaired{suffix}", f"repaired{title}", _recipe(steps, section))
        if settings.refine and cut.refines:
            refined = _recipe(steps, section | {"refine": settings.refine})
            yield Candidate(f"refined{suffix}", f"repaired and refined{title}", refined)
    if cut.narrows:
        yield Candidate("tp_magnitude", "Torch-Pruning, magnitude", plain, "magnitude")
        yield Candidate("tp_taylor", "Torch-Pruning, Taylor", plain, "taylor")


def without_top_layers(count: int) -> Candidate:
    """Return the baseline that drops so many of the top layers whole."""
    recipe = _recipe([{"op": "drop_layer", "layers": f"last {count}"}])
    title = f"top {count} layers dropped instead" if count > 1 else "top layer dropped instead"
    return Candidate(TOP_LAYERS, title, recipe)


def cuts_named(names: Sequence[str]) -> tuple[Cut, ...]:
    """Return the cuts of these names."""
    return tuple(cut for cut in CUTS if cut.name in names)


def _recipe(
    steps: Sequence[Mapping[str, Any]], reconstruct: Mapping[str, Any] | None = None
) -> Recipe:
    """Make a recipe; all have one name, so that equal cuts are equal recipes."""
    section = {"reconstruct": dict(reconstruct)} if reconstruct else {}
    found = {
        "version": 1,
        "name": RECIPE_NAME,
        "surgery": [dict(step) for step in steps],
        **section,
    }
    return Recipe.model_validate(found)
