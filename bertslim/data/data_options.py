"""Which data a command uses. Annotations are evaluated here: the command line is made of them."""

from dataclasses import dataclass, field
from typing import Literal

from bertslim.option_fields import OptionsModel, names, option

SOURCES_HELP = (
    "A file (csv, tsv, json, jsonl, parquet, conll, SQuAD json, or txt with a text a line), a "
    "directory of such files, the name of a data set on the Hub, or builtin:pydocs for docstrings "
    "of Python's own library."
)
LabelsAs = Literal["names", "ids", "vectors"]
_NEEDS_DATA = "needs --data beside it"


@dataclass(frozen=True)
class DataOptions(OptionsModel):
    """Which data to use.

    Attributes:
        data: A file, directory, Hub name or `builtin:pydocs`.
        eval_data: A second source that is only measured; None: a tenth of `data` is.
        text_columns: The column of the texts, or two for pairs; none: found by name.
        label_columns: The column of the labels, or several of 0 and 1; none: found by name.
        task: What models and data are for; None: chosen by the model's head and the columns.
        labels_as: How the labels are to be read; None: as all sources together show.
    """

    data: str = field(metadata=option("--data", help=SOURCES_HELP, shown=False, role="input"))
    eval_data: str | None = field(
        default=None,
        metadata=option(
            "--eval-data",
            help="Data to report on, which nothing else may see. By default a tenth of --data, "
            "chosen by the hash of the texts.",
            alone=_NEEDS_DATA,
            role="input",
        ),
    )
    text_columns: tuple[str, ...] = field(
        default=(),
        metadata=option(
            "--text-column",
            help="The column of the texts, or two for pairs, such as query,passage.",
            shown="found by name",
            metavar="NAME",
            read=names,
            alone=_NEEDS_DATA,
        ),
    )
    label_columns: tuple[str, ...] = field(
        default=(),
        metadata=option(
            "--label-column",
            help="The column of the labels, or for several labels a text a column of 0 and 1 for "
            "each.",
            shown="found by name",
            metavar="NAME",
            read=names,
            alone=_NEEDS_DATA,
        ),
    )
    task: str | None = field(
        default=None,
        metadata=option(
            "--task",
            help="What the model is for: text-classification, regression, text-ranking, "
            "token-classification, question-answering, fill-mask, feature-extraction, or "
            "plain-text to compare models on texts alone.",
            shown="by its head and the columns",
            alone=_NEEDS_DATA,
        ),
    )
    labels_as: LabelsAs | None = field(
        default=None,
        metadata=option(
            "--labels-as",
            help="How to read labels that fit in several ways: as names or ids of the model's "
            "classes, or as vectors of a 0 or 1 for each class.",
            shown="as all labels show",
            alone=_NEEDS_DATA,
        ),
    )
