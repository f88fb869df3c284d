"""Put a result on the Hugging Face Hub: the checkpoint, and a record without paths and texts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bertslim.errors import BertslimError, InputError
from bertslim.file_names import PAGE_FILE, RECORD_FILE, REPORT_FILE
from bertslim.progress import Progress
from bertslim.records import Record
from bertslim.records.sources import is_path, shown_source, without_paths
from bertslim.report.page import render_page
from bertslim.report.render import render_report

if TYPE_CHECKING:
    from huggingface_hub import HfApi

_OPTION = "--push-to-hub"


def check_upload(repository: str | None) -> None:
    """Refuse a repository that nothing could be put into, before any work is done.

    Args:
        repository: Its id; None: nothing is to be put anywhere.

    Raises:
        InputError: It is no id, the Hub cannot be reached, or nobody is logged in.
    """
    if repository is None:
        return
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils._validators import validate_repo_id

    try:
        validate_repo_id(repository)
    except HFValidationError as error:
        raise InputError(
            "is no name of a repository", where=repository, remedy="give one such as me/slim-bert"
        ) from error
    with _hub("the Hub knows nobody here, or cannot be reached", InputError) as api:
        api.whoami()


def upload(record: Record, directory: Path, repository: str, progress: Progress) -> str:
    """Upload a result in one commit, into a repository that is made if there is none.

    A new repository is private. Of local paths in the record and the report the last component is
    left, and no texts of the data.

    Args:
        record: The record of the result.
        directory: Where it is.
        repository: The id.
        progress: Shows the step.

    Returns:
        The address of the commit.

    Raises:
        BertslimError: The Hub refuses it, or cannot be reached; the result stays where it is.
    """
    from huggingface_hub import CommitOperationAdd

    shown = record_to_publish(record)
    accounts = {
        RECORD_FILE: shown.to_json(),
        REPORT_FILE: render_report(shown),
        PAGE_FILE: render_page(shown),
    }
    operations = [
        CommitOperationAdd(name, accounts[name].encode() if name in accounts else path)
        for name, path in _files(directory)
    ]
    failed = f"was written to {directory}, and not uploaded"
    with progress.step("upload"), _hub(failed, BertslimError) as api:
        api.create_repo(repository, private=True, exist_ok=True)
        message = f"bertslim {record.bertslim}: {record.kind}"
        return str(api.create_commit(repository, operations, commit_message=message).commit_url)


def record_to_publish(record: Record) -> Record:
    """Return a record that strangers may read: no local path but its last component, no texts."""
    known = record.sources
    content = record.model_dump(mode="json", by_alias=True, exclude={"disagreements"})
    return Record.model_validate(_without_paths(content, known))


def _without_paths(value: Any, known: Sequence[str]) -> Any:
    if isinstance(value, str):
        return shown_source(value) if is_path(value) else without_paths(value, known)
    if isinstance(value, list):
        return [_without_paths(one, known) for one in value]
    if isinstance(value, dict):
        return {name: _without_paths(one, known) for name, one in value.items()}
    return value


def _files(directory: Path) -> Iterator[tuple[str, Path]]:
    """Yield the files of a result with their names in the repository."""
    for path in sorted(directory.rglob("*")):
        if path.is_file():
            yield path.relative_to(directory).as_posix(), path


@contextmanager
def _hub(failed: str, error_class: type[BertslimError]) -> Iterator[HfApi]:
    """Return the Hub's interface; what it fails of is one line."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError

    try:
        yield HfApi()
    except (OSError, HfHubHTTPError) as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise error_class(
            f"{failed} ({lines[0].rstrip('.')})",
            where=_OPTION,
            remedy="see `hf auth login`, and whether the network is there",
        ) from error
