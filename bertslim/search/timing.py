"""What a search goes by in time: the runtime that it aims at, and the latency table there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bertslim.errors import ModelError
from bertslim.ranks import Ranks
from bertslim.records import LatencyTable, runtimes_in_words
from bertslim.search.choose_runtime import RuntimeChoice, RuntimeChooser, runtimes_at_hand
from bertslim.search.levels import LayerChoices
from bertslim.search.materials import Materials
from bertslim.search.measure_table import TableBench
from bertslim.search.search_runtimes import SearchRuntime


@dataclass(frozen=True)
class Timing:
    """What models are timed in, and what their blocks take.

    Attributes:
        runtime: What runs them.
        table: The times of the blocks.
    """

    runtime: RuntimeChoice
    table: LatencyTable


def settle_timing(
    materials: Materials,
    choices: Sequence[LayerChoices],
    named: SearchRuntime | None,
    ranks: Ranks,
) -> Timing:
    """Choose the runtime and measure the latency table, both in the first process alone.

    Args:
        materials: What is searched.
        choices: The possible levels of each layer.
        named: The runtime that was asked for; None: the fastest.
        ranks: The processes; each must ask.

    Raises:
        ModelError: None of the layers can be cut by itself.
        BertslimError: A model cannot be written or timed.
    """
    if not any(layer.levels or layer.may_go for layer in choices):
        raise ModelError(
            "nothing of its layers can be cut by itself",
            where=str(materials.base.directory),
            remedy="cut all of them alike, with `bertslim cut`",
        )
    if ranks.rank > 0:
        table = LatencyTable.model_validate_json(ranks.from_first(""))
        return Timing(RuntimeChoice(materials.writer(SearchRuntime(table.runtime)), ()), table)
    runtime = _runtime(materials, named)
    bench = TableBench(
        runtime.writer,
        choices,
        materials.shape,
        materials.threads,
        materials.seed,
        materials.progress,
    )
    with materials.progress.step("latency table"):
        table = bench.table()
    ranks.from_first(table.model_dump_json())
    return Timing(runtime, table)


def _runtime(materials: Materials, named: SearchRuntime | None) -> RuntimeChoice:
    if named is not None:
        return RuntimeChoice(materials.writer(named), ())
    chooser = RuntimeChooser(
        materials.writer,
        materials.rounding_texts(),
        materials.shape,
        materials.threads,
        materials.seed,
        materials.progress,
    )
    with materials.progress.step("find the fastest runtime"):
        choice = chooser.choose(runtimes_at_hand())
    materials.progress.tell(f"runtime: {runtimes_in_words(choice.tried)}")
    return choice
