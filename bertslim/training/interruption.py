"""The state that a training saves, so that a later run can continue after an interruption.

It lies in a hidden folder beside the output: what was asked for, the best weights so far, and
Trainer's own checkpoints. A checkpoint counts once its account is there, which is written last.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, Field, ValidationError

from bertslim.errors import OutputError
from bertslim.file_names import RECORD_FILE
from bertslim.records import Look

if TYPE_CHECKING:
    from torch import Tensor

_REQUEST_FILE = "request.json"
_ACCOUNT_FILE = RECORD_FILE
_BEST = "best-"
_CHECKPOINT = "checkpoint-"


class Account(BaseModel):
    """How far a run had come at a checkpoint.

    Attributes:
        step: Batches so far.
        seconds: Of training so far.
        tokens: In the batches so far, padding included.
        best_step: After how many steps the best weights stood.
        looks: At the select split so far.
        files: The bytes of each file that belongs to it, by its place in the folder.
    """

    step: int
    seconds: float
    tokens: int
    best_step: int
    looks: tuple[Look, ...]
    files: dict[str, int] = Field(default_factory=dict)


@dataclass(frozen=True)
class Interruption:
    """The folder of one run.

    Attributes:
        folder: Made when the run begins.
    """

    folder: Path

    @property
    def there(self) -> bool:
        """Whether a run was cut off here and can go on."""
        return self.latest() is not None

    def begin(self, request: dict[str, Any], *, resume: bool, force: bool) -> None:
        """Make the folder, or take over what lies in it.

        Args:
            request: All that settles what the run comes to.
            resume: Whether to go on with a run that was cut off, if there is one.
            force: Whether such a run may be thrown away.

        Raises:
            OutputError: A run was cut off here and neither is asked for, it was another run, or
                what it left is damaged.
        """
        if self.there and resume:
            self._check(request)
            self._check_whole()
            return
        if self.there and not force:
            raise OutputError(
                "a run was interrupted here",
                where=str(self.folder),
                remedy="continue with --resume, or start again with --force",
            )
        self.clear()
        self.folder.mkdir(parents=True)
        _write(self.folder / _REQUEST_FILE, json.dumps(request, indent=2).encode())

    def clear(self) -> None:
        """Remove everything."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def latest(self) -> Path | None:
        """Return the last checkpoint that is whole."""
        checkpoints = [
            path for path in self.folder.glob(f"{_CHECKPOINT}*") if (path / _ACCOUNT_FILE).exists()
        ]
        return max(
            checkpoints, key=lambda path: int(path.name.removeprefix(_CHECKPOINT)), default=None
        )

    def read_account(self, checkpoint: Path) -> Account:
        """Return what was written beside a checkpoint.

        Raises:
            OutputError: It is damaged.
        """
        path = checkpoint / _ACCOUNT_FILE
        try:
            return Account.model_validate_json(path.read_bytes())
        except (OSError, ValidationError) as error:
            raise self._damaged(path) from error

    def write_account(self, account: Account) -> None:
        """Mark the checkpoint of the account's step as whole, and drop weights once the best."""
        checkpoint = self.folder / f"{_CHECKPOINT}{account.step}"
        belonging = [*checkpoint.rglob("*"), self._best(account.best_step)]
        files = {
            str(path.relative_to(self.folder)): path.stat().st_size
            for path in belonging
            if path.is_file() and path.name != _ACCOUNT_FILE
        }
        whole = account.model_copy(update={"files": files})
        _write(checkpoint / _ACCOUNT_FILE, whole.model_dump_json(indent=2).encode())
        for old in self.folder.glob(f"{_BEST}*"):
            if old != self._best(account.best_step):
                old.unlink()

    def write_best(self, step: int, weights: dict[str, Tensor]) -> None:
        """Keep the weights after so many steps; those of before stay until the next account."""
        import torch

        new = self._best(step).with_suffix(".new")
        torch.save(weights, new)
        new.replace(self._best(step))

    def read_best(self, step: int) -> dict[str, Tensor]:
        """Return the weights that were kept after so many steps.

        Raises:
            OutputError: Their file is damaged.
        """
        import torch

        path = self._best(step)
        weights: dict[str, Tensor]
        try:
            weights = torch.load(path, map_location="cpu", weights_only=True)
        except Exception as error:  # damaged files make libraries raise whatever they meet
            raise self._damaged(path) from error
        return weights

    def _best(self, step: int) -> Path:
        return self.folder / f"{_BEST}{step}.pt"

    def _check(self, request: dict[str, Any]) -> None:
        path = self.folder / _REQUEST_FILE
        try:
            before = dict(json.loads(path.read_bytes()))
        except (OSError, ValueError, TypeError, RecursionError) as error:
            raise self._damaged(path) from error
        unlike = [key for key in {**before, **request} if before.get(key) != request.get(key)]
        if unlike:
            raise OutputError(
                f"the run that was interrupted was another one: it differs in {', '.join(unlike)}",
                where=str(self.folder),
                remedy="give the same options, or start again with --force",
            )

    def _check_whole(self) -> None:
        latest = self.latest()
        files = self.read_account(latest).files if latest else {}
        for name, size in files.items():
            path = self.folder / name
            if not path.is_file() or path.stat().st_size != size:
                raise self._damaged(path)

    def _damaged(self, path: Path) -> OutputError:
        return OutputError(
            "what an interrupted run left here is missing or damaged",
            where=str(path),
            remedy="start again with --force and without --resume",
        )


def interruption_of(target: Path) -> Interruption:
    """Return where a run that writes to `target` leaves what it takes to go on."""
    target = target.absolute()
    return Interruption(target.with_name(f".{target.name}.bertslim-training"))


def _write(path: Path, content: bytes) -> None:
    new = path.with_name(f"{path.name}.new")
    new.write_bytes(content)
    new.replace(path)
