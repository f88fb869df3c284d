"""The latency table of a machine: models with repeated layers, written, timed and remembered."""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from pydantic import ValidationError

from bertslim.errors import ModelError
from bertslim.export.fuse import FIRST_TOKEN_HEADS
from bertslim.measure.environment import describe_environment
from bertslim.measure.runtimes import TimedModel
from bertslim.measure.shapes import Shape
from bertslim.measure.text_sample import TextSample
from bertslim.progress import Progress
from bertslim.records import LatencyCheck, LatencyTable
from bertslim.search.latency_table import (
    LevelTimes,
    RepeatedTimes,
    TableSetting,
    corrected,
    table_of,
)
from bertslim.search.levels import (
    Configuration,
    LayerChoices,
    LayerLevels,
    Level,
    fits,
    plan_of,
)
from bertslim.search.problem import Problem
from bertslim.search.slow_processes import beside_a_slow_base, slower_than_wider
from bertslim.search.timed_files import FileWriter, RuntimeTime, time_models, without_drift

_EQUAL_LAYERS = 5  # at most: what a block takes is off by the error of a model over their number
_CHECKS = 8  # whole models beside the base
_FASTEST, _SLOWEST = 0.35, 0.9  # what they should take, as shares of the base's time
_SPREAD = 0.7  # of the logarithms of their damages
_SECONDS = 1.0  # a model, over all launches
_VERSION = 5  # of what is remembered


@dataclass(frozen=True)
class TableBench:
    """Measures the latency table of a model.

    Attributes:
        writer: Writes models as the files of the runtime.
        choices: The possible levels of each layer, the same for all. Other levels are not timed.
        shape: What a call takes.
        threads: Threads of each model.
        seed: Settles the random inputs, and which whole models are measured.
        progress: Shows what is measured.
    """

    writer: FileWriter
    choices: Sequence[LayerChoices]
    shape: Shape
    threads: int
    seed: int
    progress: Progress

    def table(self) -> LatencyTable:
        """Return what this machine took for such a model before, or measure it now.

        Raises:
            ModelError: The layers of the model differ, or it has only one.
            BertslimError: A model cannot be written or timed.
        """
        self._require_equal_layers()
        path = self._remembered
        with suppress(OSError, ValidationError):
            return LatencyTable.model_validate_json(path.read_text(encoding="utf-8"))
        table = self._measure()
        with suppress(OSError):  # a table that is not remembered is measured again
            path.parent.mkdir(parents=True, exist_ok=True)
            new = path.with_suffix(f".{os.getpid()}")
            new.write_text(table.model_dump_json(indent=2), encoding="utf-8")
            new.replace(path)
        return table

    def _require_equal_layers(self) -> None:
        facts = self.writer.base.facts
        shapes = {(layer.heads, layer.intermediate_size) for layer in facts.layers}
        if len(facts.layers) < 2 or len(shapes) > 1 or not min(shapes)[0] or not min(shapes)[1]:
            raise ModelError(
                "search takes a model of two layers or more that are all of one shape",
                where=str(self.writer.base.directory),
                remedy="start from the base, not from a model that is cut unevenly",
            )

    def _measure(self) -> LatencyTable:
        table = table_of(self._time_repeated(), self._levels, self.writer.base.facts, self._setting)
        return corrected(table, self._time_whole(table))

    @property
    def _setting(self) -> TableSetting:
        runtime = self.writer.runtime
        reads_first = self.writer.base.facts.head in FIRST_TOKEN_HEADS
        fuses = self.writer.base.family.layout.attention.fuses
        return TableSetting(
            runtime.value,
            self.shape.batch,
            self.shape.length,
            self.threads,
            one_token_on_top=runtime.files.one_token_on_top and reads_first and fuses,
        )

    @property
    def _levels(self) -> LayerChoices:
        """The levels of any layer: those of the last are those of all."""
        return self.choices[-1]

    def _time_repeated(self) -> RepeatedTimes:
        whole = self._repeated(self._levels.kept)
        named = dict(self._reduced())
        written = [
            self._write(f"reduced-{number}", configuration)
            for number, configuration in enumerate(
                self.progress.track(
                    named.values(), "writing models with few layers", total=len(named), unit="model"
                )
            )
        ]
        reference = self._write("whole", whole)
        models = dict(zip(map(str, named), written, strict=True))
        ms = self._time_in_order(reference, models)
        fewer = self._fewest_heads
        return RepeatedTimes(
            layers=self._equal,
            whole=ms["whole"],
            at_level={level: ms[_name(level)] for level in self._levels.levels},
            alone=ms["alone"],
            alone_without_ffn=ms.get("alone without FFN"),
            alone_with_heads=None if fewer is None else (fewer.size, ms["alone with fewer heads"]),
        )

    def _time_in_order(self, whole: TimedModel, models: dict[str, TimedModel]) -> dict[str, float]:
        """Time models, once more those that are slower than others of which they are a part."""
        ms = self._time(whole, models)
        if again := {name: models[name] for name in self._out_of_order(ms)}:
            anew = self._time(whole, again)
            drift = ms["whole"] / anew["whole"]
            ms |= {name: min(ms[name], drift * anew[name]) for name in again}
        return ms

    def _out_of_order(self, ms: Mapping[str, float]) -> Iterator[str]:
        """Yield the models that are slower than others of which they are a part."""
        for levels in (self._levels.attention, self._levels.ffn):
            at_level = {level: ms[_name(level)] for level in levels[1:]}
            yield from map(_name, slower_than_wider(levels, {levels[0]: ms["whole"], **at_level}))

    def _reduced(self) -> Iterator[tuple[str, Configuration]]:
        """Yield models of a few equal layers below one more, and of one layer alone."""
        kept = self._levels.kept
        for level in self._levels.levels:
            yield _name(level), self._repeated(kept.at(level))
        yield "alone", self._alone(kept)
        if not self._setting.one_token_on_top:
            return
        deleted = Level("ffn", "deleted")
        if fits({"op": "drop_ffn", "layers": [0]}, self.writer.base.facts):
            yield "alone without FFN", self._alone(kept.at(deleted))
        if self._fewest_heads is not None:
            yield "alone with fewer heads", self._alone(kept.at(self._fewest_heads))

    @property
    def _whole(self) -> Configuration:
        """The base."""
        return tuple(layer.kept for layer in self.choices)

    @property
    def _fewest_heads(self) -> Level | None:
        if not self._setting.one_token_on_top:
            return None
        return next(reversed(self._levels.narrow_attention), None)

    @property
    def _equal(self) -> int:
        return min(_EQUAL_LAYERS, len(self.choices) - 1)

    def _repeated(self, levels: LayerLevels) -> Configuration:
        between = len(self.choices) - 1 - self._equal
        return (*[levels] * self._equal, *[None] * between, self._levels.kept)

    def _alone(self, levels: LayerLevels) -> Configuration:
        return (levels, *[None] * (len(self.choices) - 1))

    def _time_whole(self, table: LatencyTable) -> list[LatencyCheck]:
        """Time the base and a few models that are chosen as a search chooses them."""
        times, kept = LevelTimes(table), self._whole
        drawn = list(self._chosen_by(table))
        written = {
            f"check-{number}": self._write(f"check-{number}", configuration)
            for number, configuration in enumerate(
                self.progress.track(drawn, "writing whole models", total=_CHECKS, unit="model")
            )
        }
        ms = self._time(self._write("base", kept), written)
        return [
            LatencyCheck(summed_ms=times.summed(configuration), measured_ms=measured)
            for configuration, measured in zip(
                (kept, *drawn), (ms.pop("whole"), *ms.values()), strict=True
            )
        ]

    def _chosen_by(self, table: LatencyTable) -> Iterator[Configuration]:
        """Yield the best within some budgets, for damages that are drawn at random.

        A search prefers levels that the table has as too fast, so what it chooses is slower than
        the sum says. Models whose levels are drawn at random would not show that.
        """
        draw = np.random.default_rng(self.seed)
        times = LevelTimes(table)
        choices = [times.worthwhile(layer) for layer in self.choices]
        base_ms = times.predicted(self._whole)
        for share in np.linspace(_FASTEST, _SLOWEST, _CHECKS):
            damages = {
                (number, level): _removed(layer, level) * math.exp(_SPREAD * draw.normal())
                for number, layer in enumerate(choices)
                for level in (*layer.levels, None)
            }
            problem = Problem(self.writer.base.facts, choices, damages, table)
            solved = problem.budgets([(1.0, 1.0)] * len(choices))
            chosen = solved.within(share * base_ms) or solved.frontier()[0]
            if chosen != self._whole:
                yield chosen

    def _write(self, name: str, configuration: Configuration) -> TimedModel:
        if configuration == self._whole:
            return self.writer.base_file
        return self.writer.write_cut(name, plan_of(configuration, self.writer.base.facts))

    def _time(self, whole: TimedModel, models: dict[str, TimedModel]) -> dict[str, float]:
        """Return the fastest calls of models by name, and that of what they are timed beside.

        That one runs in every group; what a group is slower by, its models are taken to be, too,
        if it is so once more.
        """
        timed = self._timed(whole, models)
        if again := {name: models[name] for name in beside_a_slow_base(timed)}:
            timed |= self._timed(whole, again)
        least, ms = without_drift(timed)
        return ms | {"whole": least}

    def _timed(self, whole: TimedModel, models: dict[str, TimedModel]) -> dict[str, RuntimeTime]:
        return time_models(
            whole,
            models,
            self.shape,
            threads=self.threads,
            seconds=_SECONDS,
            seed=self.seed,
            progress=self.progress,
        )

    @property
    def _length(self) -> int | list[int]:
        """Tokens a sequence, or of each text that models are timed on."""
        if self.writer.timed_texts is None:
            return self.shape.tokens
        return list(map(int, TextSample.read(self.writer.timed_texts).lengths))

    @cached_property
    def _remembered(self) -> Path:
        """Where the table of such a model on this machine is kept."""
        environment = describe_environment(
            self.threads, [self.writer.runtime.files.runtime.package]
        )
        facts = self.writer.base.facts.model_dump(mode="json")
        what = {
            "version": _VERSION,
            "machine": [environment.cpu, environment.cores, environment.versions],
            "setting": [
                self.writer.runtime.value, self.shape.batch, self._length, self.threads,
            ],
            "model": facts,
            "levels": [_name(level) for level in self._levels.levels],
            "layers go": self._levels.may_go,
        }  # fmt: skip
        key = hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()
        return cache_directory() / f"{key[:32]}.json"


def cache_directory() -> Path:
    """Return where latency tables are kept, by the rules for the user's caches (XDG)."""
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "bertslim" / "latency"


def _name(level: Level) -> str:
    return f"{level.block} {level}"


def _removed(layer: LayerChoices, level: Level | None) -> float:
    """Return how much of a layer's blocks a level removes; the last part of one counts most."""
    if level is None:
        return 2.0
    whole = layer.kept.attention.size if level.block == "attention" else layer.kept.ffn.size
    return (1 - level.size / whole) ** 2 * (0.5 if level.kind == "linear" else 1.0)
