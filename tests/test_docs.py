"""README and the guides say what the code does: commands, options, recipes, links and names."""

from __future__ import annotations

import re
import textwrap
import tomllib
from pathlib import Path

import pytest
import typer

import bertslim
from bertslim.cli import app
from bertslim.model.families import FAMILIES
from bertslim.model.refused_families import REASONS
from bertslim.recipe.recipe_files import load_recipe
from bertslim.recipe.shipped_recipes import shipped_recipes

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def options() -> dict[str, set[str]]:
    """The options of each command, those of sub-commands under the name of their group."""
    group = typer.main.get_command(app)
    found: dict[str, set[str]] = {}
    for name, command in group.commands.items():  # type: ignore[attr-defined]
        inner = [command, *getattr(command, "commands", {}).values()]
        declared = [parameter for one in inner for parameter in one.params]
        found[name] = {option for one in declared for option in (*one.opts, *one.secondary_opts)}
    return found


@pytest.mark.parametrize("page", [*PAGES, ROOT / "Makefile"], ids=lambda page: page.name)
def test_commands_and_their_options_exist(page: Path) -> None:
    known = options()
    text = page.read_text(encoding="utf-8").replace("\\\n", "")
    commands = re.findall(r"(?:`|^\$ |run: |^\t)bertslim ([a-z]+)([^`\n]*)", text, re.MULTILINE)
    for command, rest in commands:
        assert command in known, command
        given = set(re.findall(r"(?<=\s)--?[a-z][\w-]*", rest))
        assert given <= known[command], (command, given - known[command])


@each_page
def test_options_on_their_own_exist(page: Path) -> None:
    every = set.union(*options().values()) | {"--write", "--version"}
    for option in re.findall(r"`(--[a-z][\w-]*)", page.read_text(encoding="utf-8")):
        assert option in every, option


@each_page
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?://)([^)#]+)", page.read_text(encoding="utf-8")):
        assert target.startswith("reference/") or (page.parent / target).exists(), target


@each_page
def test_links_to_headings_lead_to_one(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target, anchor in re.findall(r"\]\((?!https?://)([^)#]*)#([^)]+)\)", text):
        if (named := page.parent / target if target else page).exists():
            headings = re.findall(r"^#+ (.+)$", named.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in {slug(heading) for heading in headings}, (target, anchor)


def slug(heading: str) -> str:
    return re.sub(r"\s+", "-", re.sub(r"[^\w\s-]", "", heading).strip().lower())


@each_page
def test_python_that_is_shown_is_python(page: Path) -> None:
    for block in re.findall(r"```python\n(.+?)```", page.read_text("utf-8"), re.DOTALL):
        compile(textwrap.dedent(block), page.name, "exec")


def test_what_the_demo_is_made_of_exists() -> None:
    named = re.findall(r"\bexamples/[\w./-]+\.\w+", (ROOT / "Makefile").read_text(encoding="utf-8"))
    assert named
    for name in named:
        assert (ROOT / name).exists(), name


@each_page
def test_files_that_are_named_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for name in re.findall(r"`((?:bertslim|benchmarks|recipes|tests|docs)/[\w./-]+\.\w+)", text):
        assert (ROOT / name).exists(), name


@each_page
def test_recipes_that_are_shown_are_recipes(page: Path, tmp_path: Path) -> None:
    blocks = re.findall(r"```yaml\n(.+?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    for number, text in enumerate(block for block in blocks if "version: 1" in block):
        path = tmp_path / f"{number}.yaml"
        path.write_text(text, encoding="utf-8")
        assert load_recipe(str(path)).recipe.surgery


def test_the_architecture_lists_the_packages_in_the_order_of_the_import_contract() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    listed = [name for row in re.findall(r"^\| (`.+?) \|", text, re.M) for name in row.split(", ")]
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    layers = settings["tool"]["importlinter"]["contracts"][0]["layers"]
    assert listed == [f"`{name}`" for layer in layers for name in layer.split(" | ")]


def test_the_files_in_the_architecture_exist() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    paths = re.findall(r"`((?!docs/|bertslim/)\w+/[\w./]*)`", text)
    assert paths
    for path in paths:
        assert (ROOT / "bertslim" / path).exists(), path


def test_the_guide_of_repair_keeps_the_place_of_its_benchmark() -> None:
    text = (ROOT / "docs" / "repair.md").read_text(encoding="utf-8")
    assert text.index("<!-- results -->") < text.index("<!-- end of results -->")


def test_every_command_is_in_the_readme() -> None:
    text = PAGES[0].read_text(encoding="utf-8")
    for command in set(options()) - {"recipes"}:
        assert f"bertslim {command}" in text, command


def test_every_family_has_a_row_and_every_other_a_reason() -> None:
    text = Path("docs/families.md").read_text("utf-8")
    supported, refused = text.split("## Not supported")
    assert re.findall(r"^\| `(\S+)` \|", supported, re.M) == list(FAMILIES)
    rows = re.findall(r"^\| `(\S+)` \| (.+) \|$", refused, re.M)
    assert dict(rows) == REASONS
    for family in FAMILIES.values():
        (row,) = re.findall(rf"^\| `{family.model_type}` \|.*$", supported, re.M)
        _, norms, ffn, heads, attention = (cell.strip() for cell in row.split("|")[2:-1])
        assert (norms == "before") == (family.layout.ffn.norm_before is not None)
        assert (ffn == "gated") == family.layout.ffn.gated
        assert heads == "yes"
        assert (attention == "one node") == family.layout.attention.fuses


def test_every_family_has_a_row_in_each_table_that_is_measured() -> None:
    text = (ROOT / "docs" / "families.md").read_text(encoding="utf-8")
    measured = text.partition("<!-- results -->")[2].partition("<!-- end of results -->")[0]
    tables = [
        re.findall(r"^\| (?!model type|---)(\S+) \|", table, re.M)
        for table in measured.split("\n\n")
        if table.startswith("| model type")
    ]
    assert tables == [list(FAMILIES)] * 3
    assert "✗" not in measured, "nothing but what is refused on purpose"


def test_the_table_of_results_has_a_row_for_each_recipe_that_trains_nothing() -> None:
    page = (ROOT / "docs" / "recipes.md").read_text(encoding="utf-8")
    _, _, after = page.partition("<!-- results -->")
    text, end, _ = after.partition("<!-- end of results -->")
    assert end
    for name in shipped_recipes():
        untrained = load_recipe(name).recipe.retrain is None
        assert (f"| `{name}` |" in text) == untrained, name


def test_the_library_is_used_as_the_readme_says() -> None:
    text = PAGES[0].read_text(encoding="utf-8")
    named = set(re.findall(r"bertslim\.(\w+)\(", text))
    assert named
    assert named <= set(bertslim.__all__)
