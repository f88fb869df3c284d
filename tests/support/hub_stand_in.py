"""A stand-in for the Hugging Face Hub that keeps what is uploaded in a folder."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

COMMIT = "89abcdef0123456789abcdef0123456789abcdef"


@dataclass
class HubStandIn:
    """What `huggingface_hub.HfApi` does for uploads, on this disk.

    Attributes:
        cache: Where commits go, in the form of the cache of the Hub, so that they are found again.
        user: Who is logged in; None: nobody.
        full: Whether commits are refused.
        made: The repositories that were asked for, and whether they are private.
    """

    cache: Path
    user: str | None = "me"
    full: bool = False
    made: dict[str, bool] = field(default_factory=dict)

    @classmethod
    def put_in_place(cls, cache: Path, monkeypatch: pytest.MonkeyPatch) -> HubStandIn:
        """Have a stand-in answer where the Hub is asked, and models come out of its cache alone."""
        from huggingface_hub import constants

        hub = cls(cache)
        monkeypatch.setattr("huggingface_hub.HfApi", lambda: hub)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
        return hub

    def whoami(self) -> dict[str, str]:
        """Say who is logged in."""
        if self.user is None:
            raise OSError("Token is required, but no token found")
        return {"name": self.user}

    def create_repo(self, repo_id: str, *, private: bool, exist_ok: bool) -> None:
        """Make a repository."""
        assert exist_ok
        self.made.setdefault(repo_id, private)

    def create_commit(self, repo_id: str, operations: Iterable[Any], *, commit_message: str) -> Any:
        """Take the files of a commit."""
        assert repo_id in self.made
        assert commit_message
        if self.full:
            raise OSError("403 Forbidden: storage limit reached")
        repository = self.cache / f"models--{repo_id.replace('/', '--')}"
        snapshot = repository / "snapshots" / COMMIT
        for operation in operations:
            file = snapshot / operation.path_in_repo
            file.parent.mkdir(parents=True, exist_ok=True)
            with operation.as_file() as content:
                file.write_bytes(content.read())
        (repository / "refs").mkdir()
        (repository / "refs" / "main").write_text(COMMIT, encoding="utf-8")
        return SimpleNamespace(commit_url=f"https://hub/{repo_id}/commit/{COMMIT}")

    def repo_info(self, *_: Any, **__: Any) -> None:
        """Answer nothing, as where there is no network."""
        raise ConnectionError
