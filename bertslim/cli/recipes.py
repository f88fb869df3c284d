"""`bertslim recipes`."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from bertslim.cli.options import DebugOption, JsonOption
from bertslim.recipe.shipped_recipes import recipe_names, shipped_recipes
from bertslim.terminal import print_json, print_line, print_text

recipes = typer.Typer(
    name="recipes",
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="List, show and check recipes.\n\nA recipe is a YAML file that lists what to cut.",
)

RecipeArgument = Annotated[
    str,
    typer.Argument(
        metavar="RECIPE",
        help="The path of a recipe, or the name of a shipped one.",
        show_default=False,
        autocompletion=recipe_names,
    ),
]


@recipes.command("list")
def list_recipes(as_json: JsonOption = False, debug: DebugOption = False) -> None:
    """List the recipes that come with bertslim.

    \b
    Example:
      bertslim recipes list
    """
    from bertslim.recipe.recipe_files import load_recipe

    described = {name: load_recipe(name).recipe.description for name in shipped_recipes()}
    if as_json:
        print_json(json.dumps(described, indent=2))
        return
    width = max(map(len, described))
    print_text(
        "\n".join(f"{name:<{width}}  {description}" for name, description in described.items())
    )


@recipes.command("show")
def show(name: RecipeArgument, debug: DebugOption = False) -> None:
    """Print a recipe, to start one of your own from.

    \b
    Example:
      bertslim recipes show drop_odd > my_recipe.yaml
    """
    from bertslim.recipe.recipe_files import find_recipe, load_recipe

    load_recipe(name)
    print_text(find_recipe(name).read_text(encoding="utf-8"))


@recipes.command("validate")
def validate(recipe: RecipeArgument, debug: DebugOption = False) -> None:
    """Check a recipe, and list all that is wrong with it.

    \b
    Example:
      bertslim recipes validate my_recipe.yaml
    """
    from bertslim.recipe.recipe_files import load_recipe

    loaded = load_recipe(recipe)
    steps = len(loaded.recipe.surgery)
    print_line(f"{recipe}: valid, {steps} {'step' if steps == 1 else 'steps'}")


@recipes.command("schema")
def schema(debug: DebugOption = False) -> None:
    """Print the JSON schema of recipes, which editors complete and check by.

    \b
    Example:
      bertslim recipes schema > bertslim.schema.json
    """
    from bertslim.recipe.recipe_files import recipe_schema

    print_json(json.dumps(recipe_schema(), indent=2))
