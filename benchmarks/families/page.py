"""The tables of docs/families.md that the families benchmark writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.families.operations import OPERATIONS, Operation
from benchmarks.families.results import (
    STEPS,
    CutKl,
    Document,
    Int8Kl,
    OperationResult,
    Outcome,
)
from benchmarks.tools import ROOT, UNKNOWN, Footnotes, write_between_marks
from bertslim.export.distance import CLOSE_ENOUGH

PAGE = Path("docs/families.md")
BAR = 0.5  # the most of an unrepaired cut's KL that a repaired one may have
GREEN, NO, FAULT = "✓", "no", "✗"
STEP_TITLES = {
    "cut": "cut",
    "repair": "repair",
    "reload": "reload",
    "onnx": "ONNX",
    "openvino": "OpenVINO",
    "int8": "int8",
}


def markdown(documents: Mapping[str, Document]) -> str:
    """Write the tables from the results of each family, by its model type."""
    notes = Footnotes()
    matrix = _table(
        ["model type", *(operation.title for operation in OPERATIONS)],
        [
            [name, *(_cell(document, operation, notes) for operation in OPERATIONS)]
            for name, document in documents.items()
        ],
    )
    steps = _table(
        ["model type", *STEP_TITLES.values()],
        [
            [name, *(_step(document.operations, step) for step in STEPS)]
            for name, document in documents.items()
        ],
    )
    recipes = _recipes(documents)
    tuned = _table(
        [
            "model type",
            "accuracy",
            *(f"`{name}`, KL" for name in recipes),
            *("int8", "strong neurons, all int8", "strong neurons, as planned"),
        ],
        [[name, *_tuned(document, len(recipes))] for name, document in documents.items()],
    )
    parts = [_MATRIX, matrix, notes.lines(), _STEPS, steps, _TUNED, tuned]
    return "\n\n".join(part for part in parts if part)


_MATRIX = (
    f"{GREEN}: cut, repaired (the error of the last hidden states on held-out texts falls), saved "
    "and loaded where bertslim is not installed with the same answers, exported to ONNX and "
    "OpenVINO in float32 with PyTorch's answers, and to ONNX in int8, which the export holds to "
    f"{CLOSE_ENOUGH:g} nats. {UNKNOWN}: not run. Models of three layers whose weights, positions, "
    "biases and norms are all random."
)
_STEPS = (
    "How many of them passed each step, with the worst figure: the share of the error that "
    "the repair leaves, the largest difference to what bertslim's or PyTorch's model says, as a "
    "share of its largest answer, and, on held-out texts, the KL of int8 to float32 in nats, or "
    "what its cosine lacks to 1."
)
_TUNED = (
    "Models of four layers, fine-tuned on `builtin:pydocs` for 300 steps: KL to the uncut model on "
    "held-out texts, in nats, without the repair and with it; KL and agreement of int8 to float32. "
    "Models as small have no outliers: some neurons are therefore made 300 times as strong, and "
    "everything becomes int8, or what `bertslim export` plans."
)


def _table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [titles, ["---"] * len(titles), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(document: Document, operation: Operation, notes: Footnotes) -> str:
    """Return a tick, or what is not so in a word, with the number of its reason."""
    result = document.operation(operation.name)
    if result is None:
        return UNKNOWN
    words = [
        word for step, outcome in result.outcomes().items() if (word := _word(step, outcome, notes))
    ]
    if result.everywhere:
        words.append(f"all layers{notes.mark(result.everywhere)}")
    return ", ".join(words) or GREEN


def _word(step: str, outcome: Outcome, notes: Footnotes) -> str:
    if outcome.state in ("passed", "none"):
        return ""
    title = "" if step == "cut" else f"{STEP_TITLES[step]} "
    if outcome.state == "far":
        return f"{title}far{notes.mark(outcome.message)}"
    return f"{title}{NO if outcome.state == 'refused' else FAULT}{notes.mark(outcome.message)}"


def _step(results: Sequence[OperationResult], step: str) -> str:
    outcomes = [one for result in results if (one := result.outcomes()[step]).state != "none"]
    if not outcomes:
        return UNKNOWN
    through = sum(one.state in ("passed", "far") for one in outcomes)
    figures = [one.figure for one in outcomes if one.figure is not None]
    count = f"{through} of {len(outcomes)}"
    return f"{count}, {_exact(max(figures))}" if figures else count


def _exact(figure: float) -> str:
    """Write two digits, of small figures as a power of ten."""
    return "0" if not figure else f"{figure:.2f}" if figure >= 0.1 else f"{figure:.0e}"


def _recipes(documents: Mapping[str, Document]) -> list[str]:
    cuts = [cut for one in documents.values() if one.tuned for cut in one.tuned.cuts]
    return list(dict.fromkeys(cut.recipe for cut in cuts))


def _tuned(document: Document, recipes: int) -> list[str]:
    found = document.tuned
    if found is None:
        return [document.not_tuned or UNKNOWN, *[UNKNOWN] * (recipes + 3)]
    return [
        f"{100 * found.accuracy:.0f} %",
        *map(_kl, found.cuts),
        *map(_int8, (found.int8, found.strong_throughout, found.strong)),
    ]


def _kl(cut: CutKl) -> str:
    if cut.unrepaired is None or cut.repaired is None:
        return UNKNOWN
    held = GREEN if cut.repaired <= BAR * cut.unrepaired else FAULT
    return f"{_exact(cut.unrepaired)} → {_exact(cut.repaired)} {held}"


def _int8(found: Int8Kl | None) -> str:
    if found is None:
        return UNKNOWN
    return f"{_exact(found.kl)}, {100 * found.agreement:.1f} %"


def write_page(documents: Mapping[str, Document]) -> None:
    """Put the tables between the marks of the guide."""
    write_between_marks(ROOT / PAGE, markdown(documents))
