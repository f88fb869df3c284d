"""Packages that are called like the public function of the same name: `bertslim.export(...)`."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any


class CallablePackage(ModuleType):
    """A package of bertslim that is also the function of the library that has its name.

    Once the package is imported, `bertslim.export` names it, not the function: so Python has it.
    """

    def __call__(self, options: Any) -> Any:
        """Call the function."""
        name = self.__name__.rpartition(".")[2]
        return getattr(importlib.import_module("bertslim.api"), name)(options)
