"""The repair: its texts, and the error of each map before and after."""

from __future__ import annotations

from bertslim.recipe.schema import Reconstruct
from bertslim.records import Record, Repair
from bertslim.report.numbers import fixed, significant
from bertslim.report.tables import NOTHING, Table

_SECTION = "reconstruct"


def repair_options(record: Record) -> Reconstruct | None:
    """Return the repair section of the recipe; None without one."""
    section = (record.recipe or {}).get(_SECTION)
    return None if section is None else Reconstruct.model_validate(section)


def solved_from(record: Record) -> str | None:
    """Return the texts of the repair, such as "1,024 texts"; None where nothing was solved."""
    options = repair_options(record)
    if options is None or not record.repairs:
        return None
    splits = record.data.splits if record.data else ()
    known = [split.rows for split in splits if split.name == "fit"]
    return f"{fixed(min([options.samples, *known]))} texts, without labels"


def repaired_line(record: Record) -> str | None:
    """Return how and from what it was repaired, as a sentence; None where nothing was solved."""
    texts, options = solved_from(record), repair_options(record)
    if texts is None or options is None:
        return None
    refined = " and refined by gradient descent, block by block," if options.refine else ""
    return f"Repaired in closed form{refined} from {texts}."


def solving_note(record: Record) -> str | None:
    """Describe the settings and the time of the repair; None without one in the recipe."""
    options = repair_options(record)
    if options is None:
        return None
    texts = solved_from(record)
    if texts is None:
        return "No map had to be solved: the cut does not change the inputs of the others."
    how = f"refit: {options.refit}, weights: {options.weights}"
    if options.refine:
        how += f", refine: {options.refine}"
    seconds = [step.seconds for step in record.steps if step.name == _SECTION]
    took = f", in {significant(sum(seconds))} seconds" if seconds else ""
    return f"Solved from {texts} ({how}){took}."


def repair_table(repairs: tuple[Repair, ...]) -> Table:
    """List the maps that were solved, with their error on held-out texts."""
    rows = (
        (
            NOTHING if repair.layer is None else str(repair.layer),
            repair.part,
            NOTHING if repair.ridge is None else significant(repair.ridge, 1),
            NOTHING if repair.factor is None else significant(repair.factor),
            _percent(repair.before),
            "kept" if is_kept(repair) else _percent(repair.after),
        )
        for repair in repairs
    )
    headers = ("layer", "map", "ridge", "factor", "error before", "error after")
    return Table("llrrrr", headers, tuple(rows)).without_empty_columns()


def is_kept(repair: Repair) -> bool:
    """Whether the map did not change, since nothing was better on held-out texts."""
    return repair.ridge is None and not repair.after < repair.before


def _percent(share: float) -> str:
    return f"{fixed(100 * share, 1)} %"
