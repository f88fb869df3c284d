"""The table of units and metrics: how figures are written, and which way is better.

A measurement has its unit from its row in METRICS, and cannot be made without one. To add a metric,
add its row, and above it the unit where that is a new one (docs/adding-a-metric.md).
"""

from __future__ import annotations

from dataclasses import dataclass

SCORE_PREFIX = "accuracy."  # of the measurements that are metrics of a task


@dataclass(frozen=True)
class Notation:
    """How numbers of one unit are written.

    Attributes:
        symbol: What stands after the number.
        divisor: What one written unit is worth.
        factor: What figures are multiplied by, where one unit is worth many written ones.
        decimals: None for three significant digits.
        shows_small: Whether what would be rounded to 0 is written with its first digit.
        smallest: The largest of the figures that are written alike has to be this size.
    """

    symbol: str = ""
    divisor: float = 1
    factor: float = 1
    decimals: int | None = None
    shows_small: bool = False
    smallest: float = 0


@dataclass(frozen=True)
class Unit:
    """A unit of figures.

    Attributes:
        name: As records hold it.
        notations: How a figure is written, for large ones first.
        difference: How the difference of two figures is written; None where their ratio is what
            counts.
        exact: How the gate writes figures that it compares with a bound.
        highest: The highest figure there can be, where there is such a limit.
    """

    name: str
    notations: tuple[Notation, ...]
    difference: Notation | None = None
    exact: Notation = Notation()
    highest: float | None = None

    def notation(self, *values: float | None) -> Notation:
        """Choose how figures are written, one way for all of them."""
        largest = max((abs(value) for value in values if value is not None), default=0.0)
        fitting = (notation for notation in self.notations if largest >= notation.smallest)
        return next(fitting, self.notations[-1])


_WHOLE = Notation(decimals=0)
_PLAIN = Notation()
_FOUR_DECIMALS = Notation(decimals=4)
_NATS = Notation("nats")

SHARE = Unit(
    "share",
    (Notation("%", 0.01, decimals=1),),
    difference=Notation("points", factor=100, decimals=1, shows_small=True),
    highest=1,
)
CORRELATION = Unit("correlation", (_FOUR_DECIMALS,), difference=_FOUR_DECIMALS, highest=1)
COSINE = Unit("cosine", (_FOUR_DECIMALS,), difference=_FOUR_DECIMALS, highest=1)
NATS = Unit("nats", (_NATS,), difference=_NATS)
PERPLEXITY = Unit("perplexity", (_PLAIN,), difference=_PLAIN)
SQUARED_ERROR = Unit("squared error", (_PLAIN,), difference=_PLAIN)
PARAMETERS = Unit("parameters", (_WHOLE,), exact=_WHOLE)
COUNT = Unit("count", (_WHOLE,), exact=_WHOLE)
MILLISECONDS = Unit("ms", (Notation("ms"),), exact=Notation("ms", decimals=2))
BYTES = Unit(
    "bytes",
    (Notation("MiB", 2**20, smallest=2**17), Notation("KiB", 2**10)),
    exact=_WHOLE,
)
MACS = Unit(
    "MACs",
    (
        Notation("G MACs", 1e9, smallest=1e8),
        Notation("M MACs", 1e6, smallest=1e5),
        Notation("k MACs", 1e3, smallest=1e2),
        Notation("MACs"),
    ),
)
RATIO = Unit("ratio", (_PLAIN,), exact=Notation(decimals=3))
POINTS = Unit("points", (Notation("points"),), exact=Notation("points", decimals=2))


@dataclass(frozen=True)
class Metric:
    """What a measurement of one name is.

    Attributes:
        name: As records hold it; that of a task's metric begins with SCORE_PREFIX.
        unit: Of its figures.
        higher_is_better: Which of two models it prefers; None where that is not known.
        label: In words, where they are not those of the name.
        hub: What the Hugging Face Hub calls it, where it has a word for it.
    """

    name: str
    unit: Unit
    higher_is_better: bool | None
    label: str = ""
    hub: str = ""

    @property
    def words(self) -> str:
        """In words, such as "macro F1"."""
        name = self.name.removeprefix(SCORE_PREFIX)
        return self.label or name.replace("_", " ").replace(".", ", ")

    @property
    def rises_to_one(self) -> bool:
        """Whether more is better, up to 1, so that a hundredth of it is a point."""
        return bool(self.higher_is_better) and self.unit.highest == 1


_ROWS = (
    Metric("parameters", PARAMETERS, False),
    Metric("parameters.encoder", PARAMETERS, False),
    Metric("parameters.embeddings", PARAMETERS, False),
    Metric("parameters.layer", PARAMETERS, False),
    Metric("macs", MACS, False, "multiply-accumulates"),
    Metric("bytes", BYTES, False, "size on disk"),
    Metric("memory.peak", BYTES, False, "peak memory"),
    Metric("latency", MILLISECONDS, False),
    Metric("latency.p90", MILLISECONDS, False),
    Metric("latency.p99", MILLISECONDS, False),
    Metric("fidelity.kl", NATS, False, "KL from the base"),
    Metric("fidelity.agreement", SHARE, True, "agreement with the base"),
    Metric("fidelity.cosine", COSINE, True, "cosine to the base"),
    Metric("fidelity.pearson", CORRELATION, True, "correlation with the base"),
    Metric("accuracy.accuracy", SHARE, True, hub="accuracy"),
    Metric("accuracy.subset_accuracy", SHARE, True),
    Metric("accuracy.token_accuracy", SHARE, True),
    Metric("accuracy.masked_accuracy", SHARE, True),
    Metric("accuracy.macro_f1", SHARE, True, "macro F1", hub="f1"),
    Metric("accuracy.micro_f1", SHARE, True, "micro F1", hub="f1"),
    Metric("accuracy.span_f1", SHARE, True, "span F1", hub="f1"),
    Metric("accuracy.span_precision", SHARE, True, hub="precision"),
    Metric("accuracy.span_recall", SHARE, True, hub="recall"),
    Metric("accuracy.f1", SHARE, True, "F1", hub="f1"),
    Metric("accuracy.exact_match", SHARE, True, hub="exact_match"),
    Metric("accuracy.ndcg_10", SHARE, True, "NDCG@10", hub="ndcg_at_10"),
    Metric("accuracy.mrr_10", SHARE, True, "MRR@10", hub="mrr_at_10"),
    Metric("accuracy.mcc", CORRELATION, True, "Matthews correlation", hub="matthews_correlation"),
    Metric("accuracy.pearson", CORRELATION, True, "Pearson correlation", hub="pearsonr"),
    Metric("accuracy.spearman", CORRELATION, True, "Spearman correlation", hub="spearmanr"),
    Metric("accuracy.mse", SQUARED_ERROR, False, "mean squared error", hub="mse"),
    Metric("accuracy.pseudo_perplexity", PERPLEXITY, False, "pseudo-perplexity", hub="perplexity"),
    Metric("classes.f1", SHARE, True),
    Metric("classes.precision", SHARE, True),
    Metric("classes.recall", SHARE, True),
)
METRICS = {row.name: row for row in _ROWS}
UNITS = {unit.name: unit for unit in (COUNT, RATIO, POINTS, *(row.unit for row in _ROWS))}


def unit_named(name: str) -> Unit:
    """Return the unit of that name; a record of another version may hold one without a row."""
    return UNITS.get(name) or Unit(name, (Notation(name),))


def metric_named(name: str, unit: str = "") -> Metric:
    """Return the row of a measurement, or one made up for a record of another version.

    Args:
        name: Of the measurement.
        unit: Of the same, as a record has it; "" for that of the row.
    """
    row = METRICS.get(name)
    if row is not None and unit in ("", row.unit.name):
        return row
    return Metric(name, unit_named(unit), higher_is_better=None, label=row.label if row else "")
