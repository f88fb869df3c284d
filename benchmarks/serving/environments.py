"""The environments of the consumers: what is not installed yet is installed."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

REQUIREMENTS = Path(__file__).with_name("requirements")
NODE = "transformers-js"
_STAMP = "installed.txt"


@dataclass(frozen=True)
class Environment:
    """Packages apart from all others.

    Attributes:
        name: That of its file of requirements.
        folder: Where it is.
    """

    name: str
    folder: Path

    @property
    def runs_node(self) -> bool:
        """Whether the packages are those of Node."""
        return self.name == NODE

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / "bin" / "python"

    @property
    def requirements(self) -> Path:
        """What is to be installed."""
        return REQUIREMENTS / f"{self.name}{'.json' if self.runs_node else '.txt'}"

    def install(self) -> None:
        """Install it, if that was not done with the same requirements before.

        Raises:
            subprocess.CalledProcessError: pip or npm failed.
        """
        stamp, wanted = self.folder / _STAMP, self.requirements.read_text(encoding="utf-8")
        if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
            return
        shutil.rmtree(self.folder, ignore_errors=True)
        if self.runs_node:
            self.folder.mkdir(parents=True)
            shutil.copy(self.requirements, self.folder / "package.json")
            npm = ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund"]
            subprocess.run(npm, cwd=self.folder, check=True)
        else:
            subprocess.run([sys.executable, "-m", "venv", self.folder], check=True)
            pip = [str(self.python), "-m", "pip", "install", "--quiet"]
            subprocess.run([*pip, "-r", str(self.requirements)], check=True)
        stamp.write_text(wanted, encoding="utf-8")
