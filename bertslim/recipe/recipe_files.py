"""Finding and reading recipe files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from bertslim.errors import RecipeError
from bertslim.recipe.operations import OPERATIONS
from bertslim.recipe.problems import explain
from bertslim.recipe.schema import Recipe
from bertslim.recipe.shipped_recipes import shipped_folder, shipped_recipes
from bertslim.recipe.source import Problem, RecipeSource
from bertslim.recipe.yaml import MAX_BYTES, read_yaml
from bertslim.wording import did_you_mean, shown


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
        RecipeError: There is none, or it is malformed; lists all problems.
    """
    path = find_recipe(name_or_path)
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise RecipeError([f"{path}: cannot be read: {error.strerror}"]) from error
    shipped = path.parent == shipped_folder()
    source = read_yaml(content, path.name if shipped else name_or_path)
    try:
        recipe = Recipe.model_validate(source.data)
    except ValidationError as error:
        raise source.error(explain(error, Recipe, OPERATIONS)) from error
    problems = recipe.problems()
    if problems or source.faults:
        raise source.error(problems)
    return LoadedRecipe(recipe, source)


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
    """Return the kind of a path; everything that can be read, such as a pipe, is a file."""
    try:
        if path.is_dir():
            return "directory"
        return "file" if path.exists() else None
    except OSError:  # such as a name too long for the file system
        return None
