"""What a recipe may say, and the only way to read one.

Every operation on layers is one class here and one function of the same name that carries it out.
The first words of a field's description say what it takes: messages quote them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    ValidationError,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
)

from bertslim.errors import RecipeError
from bertslim.recipe.problems import explain
from bertslim.recipe.selector_text import FORMS, Selector, parse
from bertslim.recipe.source import Problem, RecipeSource
from bertslim.recipe.yaml import MAX_BYTES, read_yaml, write_yaml
from bertslim.wording import did_you_mean, shown

NEURON_MULTIPLE = 8

Layers = Annotated[
    Selector,
    PlainValidator(parse),
    PlainSerializer(lambda selector: selector.plain()),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string"},
                {"type": "integer"},
                {
                    "type": "array",
                    "items": {"anyOf": [{"type": "integer"}, {"type": "string"}]},
                    "minItems": 1,
                },
            ],
            "description": f"Layers of the base, numbered from 0: one of {', '.join(FORMS)}; "
            "N may be 'half'.",
            "examples": ["odd", "all", "last half", "2-7", "all except every 3", -1, [1, 3, 5]],
        }
    ),
]
LayerNorm = Annotated[
    Literal["keep", "remove"],
    Field(description="keep or remove the LayerNorm behind the block"),
]


Rank = Annotated[int, Field(ge=1)] | Annotated[float, Field(gt=0, lt=1)]


def _other_than_zero(number: float) -> float:
    if number == 0:
        raise ValueError("0")
    return number


def _whole(number: object) -> object:
    if type(number) is not int:  # as True == 1 == 1.0 would pass for Literal[1]
        raise ValueError("not a whole number")
    return number


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class _OnLayers(_Strict):
    """What all operations on layers have in common."""

    op: str
    layers: Layers

    @property
    def solved_key(self) -> str | None:
        """The key that asks for something that only `reconstruct` can solve; None: none does."""
        return None

    @property
    def needs_data(self) -> bool:
        """Whether it takes texts to carry it out."""
        return self.solved_key is not None or self.layers.needs_importance


class DropFfn(_OnLayers):
    """Delete the FFN block of the layers; the residual stays."""

    op: Literal["drop_ffn"]
    layer_norm: LayerNorm = "keep"
    fill: Literal["none", "attention", "linear"] = Field(
        default="none",
        description="what makes up for the block: none, attention (its output map is solved anew) "
        "or linear (a linear map stands in its place)",
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

    def linear_rank(self, hidden_size: int) -> int:
        """Return the rank of the linear fill, `hidden_size` for a full map, 0 for no map."""
        if self.fill != "linear":
            return 0
        return hidden_size if self.rank is None else _rank(self.rank, hidden_size)


class ResizeFfn(_OnLayers):
    """Keep only the strongest neurons of the FFN block of the layers."""

    op: Literal["resize_ffn"]
    width: Annotated[int, Field(ge=1)] | Annotated[float, Field(gt=0, lt=1)] = Field(
        description="a whole number of neurons from 1 on, or a fraction of the present ones "
        "between 0 and 1, rounded to a multiple of 8"
    )
    criterion: Literal["magnitude", "activation", "taylor", "fisher", "obs"] = Field(
        default="magnitude",
        description="what neurons are ranked by: magnitude (of their weights), activation, taylor, "
        "fisher or obs (measured on data)",
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
    def needs_data(self) -> bool:
        """Whether it takes texts to carry it out."""
        return super().needs_data or self.criterion != "magnitude"

    def linear_rank(self, hidden_size: int) -> int:
        """Return the rank of the bypass, `hidden_size` for a full map, 0 for no bypass."""
        if isinstance(self.bypass, bool):
            return hidden_size if self.bypass else 0
        return _rank(self.bypass, hidden_size)

    def neurons(self, current: int) -> int:
        """Return how many neurons are kept of the current ones.

        A fraction is rounded to the nearest multiple of 8, is at least 8 and never more than the
        current ones; a number is taken as it is, also where it is larger.
        """
        if isinstance(self.width, int):
            return self.width
        return _share(self.width, current)


class ScaleFfn(_OnLayers):
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
        return "gain" if self.gain == "fit" else None


class ShareFfn(_OnLayers):
    """Let the layers use one FFN block: that of the lowest of them."""

    op: Literal["share_ffn"]


class PruneHeads(_OnLayers):
    """Keep only the strongest heads of the attention block of the layers."""

    op: Literal["prune_heads"]
    heads: Annotated[int, Field(ge=1)] | Annotated[float, Field(gt=0, lt=1)] = Field(
        description="a whole number of heads to keep from 1 on, or a fraction of the present ones "
        "between 0 and 1",
    )
    criterion: Literal["magnitude"] = Field(
        default="magnitude",
        description="magnitude: heads are ranked by the size of their weights",
    )

    def kept(self, current: int) -> int:
        """Return how many heads are kept of the current ones.

        A fraction is rounded to the nearest number, at least 1; a number is taken as it is, also
        where it is larger.
        """
        if isinstance(self.heads, int):
            return self.heads
        return max(1, math.floor(self.heads * current + 0.5))


class DropAttention(_OnLayers):
    """Delete the attention block of the layers; the residual stays."""

    op: Literal["drop_attention"]
    layer_norm: LayerNorm = "keep"


class DropLayer(_OnLayers):
    """Delete the layers whole."""

    op: Literal["drop_layer"]


class PruneVocab(_Strict):
    """Keep only the tokens that the data use, with their embeddings."""

    op: Literal["prune_vocab"]
    min_count: Annotated[int, Field(ge=1)] = Field(
        default=1,
        description="a whole number from 1 on: how often the data must use a token that stays",
    )
    needs_data: ClassVar[bool] = True
    solved_key: ClassVar[str | None] = None


def _rank(rank: float, hidden_size: int) -> int:
    """Return a rank as a number; a fraction of the hidden size as a multiple of 8."""
    return rank if isinstance(rank, int) else _share(rank, hidden_size)


def _share(fraction: float, whole: int) -> int:
    """Return the multiple of 8 that is nearest to the fraction, at least 8, at most the whole."""
    multiples = math.floor(fraction * whole / NEURON_MULTIPLE + 0.5)
    return min(whole, NEURON_MULTIPLE * max(1, multiples))


Operation = Annotated[
    DropFfn | ResizeFfn | ScaleFfn | ShareFfn | PruneHeads | DropAttention | DropLayer | PruneVocab,
    Field(discriminator="op"),
]
OPERATIONS: dict[str, type[BaseModel]] = {
    "drop_ffn": DropFfn,
    "resize_ffn": ResizeFfn,
    "scale_ffn": ScaleFfn,
    "share_ffn": ShareFfn,
    "prune_heads": PruneHeads,
    "drop_attention": DropAttention,
    "drop_layer": DropLayer,
    "prune_vocab": PruneVocab,
}


class Reconstruct(_Strict):
    """How what was cut is repaired: in closed form, from texts, without labels."""

    samples: Annotated[int, Field(ge=1)] = Field(
        default=1024, description="a whole number from 1 on: how many texts it is solved from"
    )
    refit: Literal["changed", "outputs", "all"] = Field(
        default="all",
        description="which maps are solved anew: changed (those that the recipe changes), outputs "
        "(also the output maps of the blocks above) or all (also their input maps)",
    )
    weights: Literal["variance", "fisher"] = Field(
        default="variance",
        description="how much a token counts: variance (by the scale of its LayerNorm) or fisher "
        "(also by how much the outputs mind; takes a backward pass of the base)",
    )
    head: Literal["scale", "keep"] = Field(
        default="scale",
        description="what becomes of a classifier's head: scale (its logits are multiplied by one "
        "number, so that the slim model is as sure as it may be) or keep",
    )


class Distill(_Strict):
    """What counts in the loss of training beside the base; it is their weighted sum."""

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


class Retrain(_Strict):
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
        description="what becomes of the model's dropout while it is trained: off (a student comes "
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
        """How long to train, by the key that says it."""
        given = {"epochs": self.epochs, "steps": self.steps, "minutes": self.minutes}
        return {key: value for key, value in given.items() if value is not None}


class Recipe(_Strict):
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
    def needs_data(self) -> bool:
        """Whether it takes texts to carry it out."""
        sections = self.reconstruct is not None or self.retrain is not None
        return sections or any(step.needs_data for step in self.surgery)

    @property
    def needs_importance(self) -> bool:
        """Whether its layers are only known once their importance is measured."""
        return any(
            isinstance(step, _OnLayers) and step.layers.needs_importance for step in self.surgery
        )

    @property
    def vocabulary_step(self) -> PruneVocab | None:
        """The step that prunes the vocabulary, if there is one."""
        return next((step for step in self.surgery if isinstance(step, PruneVocab)), None)

    def to_yaml(self) -> str:
        """Return the text of a recipe file that reads back as this recipe."""
        return write_yaml(self.model_dump(mode="json", exclude_none=True))

    def problems(self) -> list[Problem]:
        """Return what is wrong although each key is right by itself."""
        return [*self._unsolved(), *self._repeated(), *self._untrainable()]

    def _untrainable(self) -> list[Problem]:
        if self.retrain is None:
            if "retrain" not in self.model_fields_set:
                return []
            what = "retrain: an empty value does not fit; write such as {minutes: 3}"
            return [Problem(("retrain",), what)]
        first, *others = self.retrain.budgets or ("",)
        if not first:
            return [Problem(("retrain",), "retrain: say how long: epochs, steps or minutes")]
        found = [
            Problem(("retrain", key), f"{key}: {first} says how long already; leave one out")
            for key in others
        ]
        if self.retrain.distill.empty:
            found.append(Problem(("retrain", "distill"), "distill: one weight must be above 0"))
        return found

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


@dataclass(frozen=True)
class LoadedRecipe:
    """A recipe and the file that it was read from."""

    recipe: Recipe
    source: RecipeSource

    def error(self, problems: Sequence[Problem]) -> RecipeError:
        """Make the error for problems that only a model shows, such as a layer it lacks.

        Args:
            problems: At locations such as ("surgery", 0, "layers").
        """
        return self.source.error(problems)


def load_recipe(name_or_path: str) -> LoadedRecipe:
    """Read a recipe from a file, or one of those shipped by its name.

    Raises:
        RecipeError: There is none, or it is malformed; says all that is wrong with it.
    """
    path = find_recipe(name_or_path)
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise RecipeError([f"{path}: cannot be read: {error.strerror}"]) from error
    shipped = path.parent == _shipped_folder()
    source = read_yaml(content, path.name if shipped else name_or_path)
    try:
        recipe = Recipe.model_validate(source.data)
    except ValidationError as error:
        raise source.error(explain(error, Recipe, OPERATIONS)) from error
    problems = recipe.problems()
    if problems or source.faults:
        raise source.error(problems)
    return LoadedRecipe(recipe, source)


def shipped_recipes() -> dict[str, Path]:
    """Return the files of the recipes that come with bertslim, by name."""
    return {path.stem: path for path in sorted(_shipped_folder().glob("*.yaml"))}


def recipe_schema() -> dict[str, object]:
    """Return the JSON schema of recipe files, for editors."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Recipe.model_json_schema(),
        "title": "bertslim recipe",
    }


def find_recipe(name_or_path: str) -> Path:
    """Return the file of a recipe, given by path or by the name of a shipped one.

    Raises:
        RecipeError: There is none.
    """
    path = Path(name_or_path)
    kind = _kind(path)
    if kind == "file":
        return path
    shipped = shipped_recipes()
    name = name_or_path.removesuffix(".yaml")
    if name in shipped:
        return shipped[name]
    if kind == "directory":
        raise RecipeError([f"{name_or_path}: is a directory; name a recipe file"])
    near = did_you_mean(name, shipped) or f"shipped are {', '.join(shipped)}"
    what = "is neither a file nor a recipe that bertslim ships"
    raise RecipeError([f"{shown(name_or_path)} {what}; {near}"])


def _kind(path: Path) -> Literal["file", "directory"] | None:
    """Tell what is there; whatever can be read, such as a pipe, is a file."""
    try:
        if path.is_dir():
            return "directory"
        return "file" if path.exists() else None
    except OSError:  # such as a name too long for the file system
        return None


def _shipped_folder() -> Path:
    """Return where the recipes are: in the package, or beside it in a checkout."""
    package = Path(__file__).parent.parent
    installed = package / "recipes"
    return installed if installed.is_dir() else package.parent / "recipes"
