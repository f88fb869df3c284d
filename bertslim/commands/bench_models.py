"""What `bertslim bench` was given -> models, each in the runtimes that run it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from bertslim.devices import Device
from bertslim.errors import InputError
from bertslim.measure.environment import cpu_multiplies_bfloat16
from bertslim.measure.runtimes import EXPORTED, UNASKED, Runtime, TimedModel, is_exported
from bertslim.model.checkpoint_files import find_weights, has_weights
from bertslim.model.model_source import find_model
from bertslim.named_paths import existing_path, expanded


@dataclass(frozen=True)
class Entrant:
    """One model in one runtime.

    Attributes:
        name: What the user calls the model.
        model: Where it is, and what runs it.
        first: Whether it is the first model, which the others are compared with.
    """

    name: str
    model: TimedModel
    first: bool

    @property
    def path(self) -> Path:
        """A checkpoint directory or an exported file."""
        return self.model.path

    @property
    def runtime(self) -> Runtime:
        """What runs it."""
        return self.model.runtime

    def on(self, device: Device) -> Self:
        """Return it on a device, if its runtime is one that runs there; else as it is."""
        if not self.runtime.takes_checkpoints:
            return self
        return replace(self, model=replace(self.model, device=device))

    def on_texts(self, texts: Path) -> Self:
        """Return it with a file of the texts that it is timed on."""
        return replace(self, model=replace(self.model, texts=texts))

    @property
    def may_fail(self) -> bool:
        """Whether it is a model of a kind that its runtime does not load in every case."""
        return self.runtime.may_refuse(self.path)


def find_entrants(models: Sequence[str], wanted: Sequence[Runtime]) -> tuple[Entrant, ...]:
    """Find the models, and what to run each of them in.

    Args:
        models: Local directories, exported files, `pkg:NAME` or Hub ids.
        wanted: Runtimes; none: for each model those that are installed and that the CPU is made
            for.

    Raises:
        InputError: There is no such model, a runtime is not installed, or the two do not fit.
    """
    for runtime in wanted:
        runtime.check_installed()
    found = [(name, find_path(name)) for name in models]
    entrants = tuple(
        Entrant(name, TimedModel(path, runtime), first=number == 0)
        for number, (name, path) in enumerate(found)
        for runtime in _runtimes(name, path, wanted)
    )
    for runtime in wanted:
        if runtime not in {entrant.runtime for entrant in entrants}:
            raise InputError(
                f"none of the models runs in {runtime}",
                where="--runtime",
                remedy=f"it takes {_what_it_takes(runtime)}",
            )
    return entrants


def find_path(name: str) -> Path:
    """Find an exported file, or the directory of a checkpoint.

    Raises:
        InputError: There is none, or it is neither.
    """
    path = existing_path(name)
    if path is None and is_exported(Path(name)):
        raise InputError("no such file", where=name, remedy="check the path")
    if path is None:
        return _checkpoint(name)
    if path.is_file() and not is_exported(path):
        kinds = " nor ".join(f"{kind.singular} ({kind.suffix})" for kind in EXPORTED)
        raise InputError(
            f"is neither {kinds}",
            where=name,
            remedy="name one, or the directory of a checkpoint",
        )
    if path.is_file():
        return path
    if path.is_dir() and not has_weights(path) and (files := exported_files(path)):
        remedy = f"name an exported file, such as {files[0]}"
        raise InputError("holds no PyTorch weights", where=name, remedy=remedy)
    return _checkpoint(name)


def _checkpoint(name: str) -> Path:
    directory = find_model(name).directory
    find_weights(directory)  # before a process is started that would find none
    return directory


def exported_files(directory: Path) -> list[Path]:
    """Return the exported files in a directory and in those right below it."""
    return sorted(
        path
        for kind in EXPORTED
        for deep in ("", "*/")
        for path in directory.glob(f"{deep}*{kind.suffix}")
    )


def _runtimes(name: str, path: Path, wanted: Sequence[Runtime]) -> Iterator[Runtime]:
    suitable = [runtime for runtime in wanted or UNASKED if runtime.takes(path)]
    if not suitable:
        raise _unsuitable(name, path, wanted)
    if wanted:
        yield from suitable
        return
    at_hand = [runtime for runtime in suitable if runtime.installed]
    if not at_hand:
        suitable[0].check_installed()
    for runtime in at_hand:
        if not runtime.in_bfloat16 or cpu_multiplies_bfloat16():
            yield runtime


def _unsuitable(name: str, path: Path, wanted: Sequence[Runtime]) -> InputError:
    what = f"does not run in {' or '.join(wanted)}"
    if not path.is_dir():
        fitting = ", ".join(runtime for runtime in Runtime if runtime.takes(path))
        return InputError(what, where=name, remedy=f"a file of its kind runs in {fitting}")
    files = exported_files(expanded(name))
    remedy = f"name {files[0]}" if files else "name a file that `bertslim export --onnx` wrote"
    return InputError(f"a directory {what}", where=name, remedy=remedy)


def _what_it_takes(runtime: Runtime) -> str:
    suffixes = [kind.suffix for kind in runtime.row.takes if kind.suffix]
    directories = ["directories of checkpoints"] if runtime.takes_checkpoints else []
    files = [f"files that end in {' or '.join(suffixes)}"] if suffixes else []
    return ", and ".join([*directories, *files])
