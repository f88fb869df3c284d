"""`bertslim report`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bertslim.cli.options import DebugOption, ForceOption, JsonOption, chosen_result
from bertslim.errors import InputError

if TYPE_CHECKING:
    from bertslim.records import Analysis, Record


def report(
    directories: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[DIR]...",
            help="A result of bertslim, or several to be compared, or an analysis. By default the "
            "current directory if it is a result, else the newest one directly under it.",
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            help="Write a directory instead: report.md, report.html, and each picture as SVG and "
            "PNG.",
            show_default=False,
        ),
    ] = None,
    force: ForceOption = False,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Print the report of a result again, or compare several.

    \b
    Examples:
      bertslim report
      bertslim report ./bert-base-uncased-drop_odd
      bertslim report ./model-drop_odd ./model-halve_width ./model-quarter_width_repaired
      bertslim report ./model-drop_odd --output pages
      bertslim report ./model-analysis --output pages
      bertslim report --json | jq '.measurements[] | select(.name == "latency")'
    """
    from bertslim.commands.report import read_accounts, report_of

    if as_json and output is not None:
        raise InputError("give one of --json and --output", where="--output")
    chosen: Sequence[Path | None] = directories or [None]
    accounts = read_accounts([chosen_result(one) for one in chosen])
    if as_json:
        typer.echo(_json_of(accounts), nl=False)
        return
    made = report_of(accounts)
    if output is None:
        typer.echo(made.markdown, nl=False)
        return
    made.write(output, force=force)
    typer.echo(f"Written to {output}.")


def _json_of(accounts: Sequence[Record] | Analysis) -> str:
    """Write one account, or a list of several."""
    each = accounts if isinstance(accounts, Sequence) else [accounts]
    texts = [one.to_json() for one in each]
    return texts[0] if len(texts) == 1 else f"[\n{','.join(texts)}]\n"
