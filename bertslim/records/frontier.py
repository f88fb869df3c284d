"""What a search found, as a record; nothing here imports torch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import ValidationError

from bertslim.errors import InputError
from bertslim.file_names import FRONTIER_FILE
from bertslim.records.frozen import Count, Frozen
from bertslim.records.latency_tables import LatencyTable
from bertslim.records.measurements import Interval
from bertslim.records.plans import Plan
from bertslim.records.provenance import DataRecord, Environment, ModelRecord, Step


class Drop(Frozen):
    """How much worse than the base a model scores, on rows that nothing was fitted to.

    Attributes:
        metric: Such as "accuracy".
        base: The score of the base, as a share or a correlation.
        slim: That of the model.
        rows: Rows of the select split.
        bound: The most that the score may be below the base's, at 95 %, for all finalists together.
        rows_needed: Rows that would show the drop that was asked for, if it is as seen; None: there
            was none asked for, or no number of rows would.
    """

    metric: str
    base: float
    slim: float
    rows: Count
    bound: float
    rows_needed: Count | None = None

    @property
    def points(self) -> float:
        """How far the score is below the base's, in hundredths."""
        return 100 * (self.base - self.slim) + 0.0

    @property
    def bound_points(self) -> float:
        """The most that it may be, in hundredths."""
        return 100 * self.bound + 0.0


class Solved(Frozen):
    """What a configuration is worth once all of it is repaired from the bottom up.

    Attributes:
        damage: On the select split, as `Frontier.measure` names it.
        drop: Of the main metric; None without labels.
        bytes: Of its weights on disk.
        ms: What a call takes: the ratio times what the base takes by the table.
        ratio: Of its fastest call and that of the base, in turns with it.
        median_ratio: Of the medians, which other programs on the machine disturb more.
        interval: Of the ratio of the medians.
    """

    damage: float
    drop: Drop | None
    bytes: Count
    ms: float
    ratio: float
    median_ratio: float
    interval: Interval | None


class FrontierPoint(Frozen):
    """A configuration that was found.

    Attributes:
        name: By the share of the base's time that it should take, such as "0.50x".
        recipe: Its recipe.
        plan: The change of each layer.
        predicted_ms: What a call should take.
        damage: Of the model put together from blocks that were repaired alone.
        texts: How many texts that was seen on.
        solved: What it really is worth; None: it was not made.
    """

    name: str
    recipe: dict[str, Any]
    plan: Plan
    predicted_ms: float
    damage: float
    texts: Count
    solved: Solved | None = None

    @property
    def ms(self) -> float:
        """What a call takes, measured or else predicted."""
        return self.solved.ms if self.solved else self.predicted_ms


class ShippedPoint(Frozen):
    """A shipped recipe, carried out beside what was found; it is not chosen from.

    Attributes:
        name: Of the recipe.
        parameters: Of the model.
        solved: What it is worth.
    """

    name: str
    parameters: Count
    solved: Solved


class RuntimeTried(Frozen):
    """A runtime that the base was run in, to find the fastest.

    Attributes:
        name: As `--runtime` takes it.
        ms: Its fastest call; None: it is left out, or the only one that is not.
        left_out: Why it is, in words.
    """

    name: str
    ms: float | None = None
    left_out: str = ""


def runtimes_in_words(tried: Sequence[RuntimeTried]) -> str:
    """Say which runtime is the fastest, and what else was tried.

    Args:
        tried: The fastest first, those that are left out last.
    """
    fastest, *others = tried
    left_out = [f"{one.name} is left out: {one.left_out}" for one in others if one.left_out]
    if fastest.ms is None:
        return "; ".join([f"{fastest.name}, the only one", *left_out])
    times = [f"{one.name} {one.ms:.3g} ms" for one in others if one.ms is not None]
    beside = f" ({', '.join(times)})" if times else ""
    chosen = f"{fastest.name}, {fastest.ms:.3g} ms a call of the base{beside}"
    return "; ".join([chosen, *left_out])


class SearchTarget(Frozen):
    """What was asked for; None: anything.

    Attributes:
        ms: The most that a call may take.
        parameters: The most parameters.
        bytes: The most bytes on disk.
        drop: The most that the main metric may be below the base's, in hundredths.
    """

    ms: float | None = None
    parameters: Count | None = None
    bytes: Count | None = None
    drop: float | None = None

    @property
    def asked(self) -> bool:
        """Whether anything was."""
        return any(value is not None for _, value in self)

    def __str__(self) -> str:
        words = (
            f"{self.ms:.3g} ms a call" if self.ms is not None else "",
            f"{self.parameters:,} parameters" if self.parameters is not None else "",
            f"{self.bytes:,} bytes" if self.bytes is not None else "",
            f"a drop of {self.drop:g} points" if self.drop is not None else "",
        )
        return ", ".join(filter(None, words))


Outcome = Literal["chosen", "frontier", "infeasible", "uncertain"]


class Budget(Frozen):
    """The limits that a search was given, and whether its result keeps within them.

    Attributes:
        asked: The limits in words.
        outcome: Whether they are met.
        message: The figures that show it.
    """

    asked: str
    outcome: Literal["met", "exceeded", "inconclusive"]
    message: str


_BUDGETS: dict[Outcome, Literal["met", "exceeded", "inconclusive"]] = {
    "chosen": "met",
    "infeasible": "exceeded",
    "uncertain": "inconclusive",
}


class Frontier(Frozen):
    """The account of one search.

    Attributes:
        schema_version: The version of this form.
        bertslim: The version that wrote it.
        created: When, in UTC.
        command: The command line.
        seed: Of every random step.
        base: The model.
        base_parameters: Its parameters.
        base_bytes: Bytes of its weights.
        data: The texts.
        environment: The machine.
        device: Where configurations were repaired, run and judged, "cpu" or "cuda"; times are those
            of the CPU.
        table: What the levels take on it.
        runtimes: Those that it was chosen from, the fastest first; none: it was named.
        target: What was asked for.
        measure: What damage is, such as "KL in nats".
        samples: Texts that repairs are solved from.
        evaluations: Configurations that were put together and run.
        points: What was found, from the fastest.
        shipped: Shipped recipes beside them, as far as there was time.
        outcome: Whether a point was chosen, none was asked for, none is within the target, or it is
            uncertain whether one is.
        chosen: The name of the point that was.
        message: The outcome in words.
        interrupted: Whether the search was ended before it was done.
        steps: What took how long.
        notes: What a reader should know.
    """

    schema_version: Literal[1] = 1
    bertslim: str
    created: str
    command: tuple[str, ...]
    seed: int
    base: ModelRecord
    base_parameters: Count
    base_bytes: Count
    data: DataRecord
    environment: Environment
    device: str = "cpu"
    table: LatencyTable
    runtimes: tuple[RuntimeTried, ...] = ()
    target: SearchTarget
    measure: str
    samples: Count
    evaluations: Count
    points: tuple[FrontierPoint, ...]
    shipped: tuple[ShippedPoint, ...] = ()
    outcome: Outcome
    chosen: str | None
    message: str
    interrupted: bool = False
    steps: tuple[Step, ...] = ()
    notes: tuple[str, ...] = ()

    def point(self, name: str | None) -> FrontierPoint | None:
        """Return a point by its name."""
        return next((point for point in self.points if point.name == name), None)

    @property
    def most_texts(self) -> int:
        """How many texts a point was put together and run on, at most."""
        return max((point.texts for point in self.points), default=0)

    @property
    def budget(self) -> Budget | None:
        """What was asked for, and whether it was found; None: nothing was asked for."""
        if self.outcome not in _BUDGETS:
            return None
        return Budget(asked=str(self.target), outcome=_BUDGETS[self.outcome], message=self.message)

    def in_short(self) -> dict[str, Any]:
        """Return the model and the outcome in words."""
        return {"base": self.base.source, "points": len(self.points), "message": self.message}

    def to_json(self) -> str:
        """Serialise with two spaces, ending in a line break."""
        return self.model_dump_json(indent=2) + "\n"

    @classmethod
    def read(cls, directory: Path) -> Self:
        """Read the account of a search from its directory.

        Raises:
            InputError: The file is missing, or is no such account.
        """
        path = directory / FRONTIER_FILE
        try:
            return cls.model_validate_json(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise InputError(
                "no account of a search here",
                where=str(path),
                remedy="name a directory that `bertslim search` wrote",
            ) from error
        except (ValidationError, UnicodeDecodeError) as error:
            what = "is not an account of a search that this bertslim reads"
            raise InputError(what, where=str(path)) from error
