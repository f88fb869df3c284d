"""What a recipe may say, and the only way to read one.

Every operation is one class here and one function of the same name that carries it out.
The first words of a field's description say what it takes: messages quote them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    ValidationError,
    WithJsonSchema,
)

from bertslim.errors import RecipeError
from bertslim.layers import FORMS, Selector, parse
from bertslim.recipe_problems import explain
from bertslim.recipe_source import Problem, RecipeSource
from bertslim.recipe_yaml import MAX_BYTES, read_yaml, write_yaml
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


class DropFfn(_Strict):
    """Delete the FFN block of the layers; the residual stays."""

    op: Literal["drop_ffn"]
    layers: Layers
    layer_norm: LayerNorm = "keep"


class ResizeFfn(_Strict):
    """Keep only the strongest neurons of the FFN block of the layers."""

    op: Literal["resize_ffn"]
    layers: Layers
    width: Annotated[int, Field(ge=1)] | Annotated[float, Field(gt=0, lt=1)] = Field(
        description="a whole number of neurons from 1 on, or a fraction of the present ones "
        "between 0 and 1, rounded to a multiple of 8"
    )
    criterion: Literal["magnitude"] = Field(
        default="magnitude",
        description="magnitude: neurons are ranked by the size of their weights",
    )

    def neurons(self, current: int) -> int:
        """Return how many neurons are kept of the current ones.

        A fraction is rounded to the nearest multiple of 8, is at least 8 and never more than the
        current ones; a number is taken as it is, also where it is larger.
        """
        if isinstance(self.width, int):
            return self.width
        multiples = math.floor(self.width * current / NEURON_MULTIPLE + 0.5)
        return min(current, NEURON_MULTIPLE * max(1, multiples))


class ScaleFfn(_Strict):
    """Multiply the output of the FFN block of the layers by a number."""

    op: Literal["scale_ffn"]
    layers: Layers
    gain: Annotated[float, AfterValidator(_other_than_zero)] = Field(
        allow_inf_nan=False,
        json_schema_extra={"not": {"const": 0}},
        description="a finite number other than 0, which the output is multiplied by",
    )


class DropAttention(_Strict):
    """Delete the attention block of the layers; the residual stays."""

    op: Literal["drop_attention"]
    layers: Layers
    layer_norm: LayerNorm = "keep"


class DropLayer(_Strict):
    """Delete the layers whole."""

    op: Literal["drop_layer"]
    layers: Layers


Operation = Annotated[
    DropFfn | ResizeFfn | ScaleFfn | DropAttention | DropLayer, Field(discriminator="op")
]
OPERATIONS: dict[str, type[BaseModel]] = {
    "drop_ffn": DropFfn,
    "resize_ffn": ResizeFfn,
    "scale_ffn": ScaleFfn,
    "drop_attention": DropAttention,
    "drop_layer": DropLayer,
}


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

    def to_yaml(self) -> str:
        """Return the text of a recipe file that reads back as this recipe."""
        return write_yaml(self.model_dump(mode="json"))


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
    if source.faults:
        raise source.error([])
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
    package = Path(__file__).parent
    installed = package / "recipes"
    return installed if installed.is_dir() else package.parent / "recipes"
