"""Which runtime a search aims at where none is named: the fastest whose file passes its check."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bertslim.data.task import Batch
from bertslim.errors import BertslimError
from bertslim.export.distance import CLOSE_ENOUGH, distance_on
from bertslim.export.open_exported import open_exported
from bertslim.export.parity import check_parity
from bertslim.measure.environment import cpu_multiplies_bfloat16
from bertslim.measure.shapes import Shape
from bertslim.progress import Progress
from bertslim.records import RuntimeTried
from bertslim.search.search_runtimes import SearchRuntime
from bertslim.search.timed_files import FileWriter, time_models, without_drift

_SECONDS = 1.0  # a runtime


@dataclass(frozen=True)
class RuntimeChoice:
    """The runtime that was chosen.

    Attributes:
        writer: Writes its files; that of the base is there.
        tried: All that it was chosen from, the fastest first.
    """

    writer: FileWriter
    tried: tuple[RuntimeTried, ...]


@dataclass(frozen=True)
class RuntimeChooser:
    """Compares runtimes on the base.

    Attributes:
        writer: Returns what writes models as the files of a runtime.
        texts: What rounded files are compared with PyTorch on.
        shape: What a call takes.
        threads: Threads of each model.
        seed: Settles the random inputs.
        progress: Shows the runtimes.
    """

    writer: Callable[[SearchRuntime], FileWriter]
    texts: Sequence[Batch]
    shape: Shape
    threads: int
    seed: int
    progress: Progress

    def choose(self, runtimes: Sequence[SearchRuntime]) -> RuntimeChoice:
        """Write the base as the file of each runtime, check it, and time those that pass.

        Args:
            runtimes: What is chosen from; PyTorch, which needs no file, is among them.

        Raises:
            BertslimError: A model cannot be timed.
        """
        writers, left_out = {}, []
        for runtime in self.progress.track(
            runtimes, "writing and checking the base", total=len(runtimes), unit="runtime"
        ):
            writer = self.writer(runtime)
            try:
                self._check(writer)
            except BertslimError as error:
                left_out.append(RuntimeTried(name=runtime, left_out=error.what))
            else:
                writers[runtime] = writer
        if len(writers) == 1:
            ((only, writer),) = writers.items()
            return RuntimeChoice(writer, (RuntimeTried(name=only), *left_out))
        ms = self._timed(writers)
        ordered = sorted(ms, key=lambda runtime: ms[runtime])
        times = [RuntimeTried(name=runtime, ms=ms[runtime]) for runtime in ordered]
        return RuntimeChoice(writers[ordered[0]], (*times, *left_out))

    def _check(self, writer: FileWriter) -> None:
        """Refuse a runtime whose file does not answer as PyTorch does."""
        runtime, base = writer.runtime, writer.base
        path = writer.base_file.path
        if runtime is SearchRuntime.TORCH:
            return
        if not runtime.rounds:
            check_parity(base, open_exported(path, runtime.files.runtime))
            return
        distance = distance_on(self.texts, base, open_exported(path, runtime.files.runtime))
        if distance is not None and not distance.is_small:
            raise BertslimError(
                f"its answers are {distance.estimate:.2g} from PyTorch's in float32, and "
                f"{CLOSE_ENOUGH:g} is allowed"
            )

    def _timed(self, writers: dict[SearchRuntime, FileWriter]) -> dict[SearchRuntime, float]:
        """Return the fastest calls of the base by runtime, all timed in turns."""
        first, *others = writers
        timed = time_models(
            writers[first].base_file,
            {runtime: writers[runtime].base_file for runtime in others},
            self.shape,
            threads=self.threads,
            seconds=_SECONDS,
            seed=self.seed,
            progress=self.progress,
        )
        least, ms = without_drift(timed)
        return {first: least} | {runtime: ms[runtime] for runtime in others}


def runtimes_at_hand() -> tuple[SearchRuntime, ...]:
    """Return those that are installed and that the CPU is made for."""
    return tuple(
        runtime
        for runtime in SearchRuntime
        if runtime.files.runtime.installed
        and (not runtime.files.runtime.in_bfloat16 or cpu_multiplies_bfloat16())
    )
