"""Reads YAML as plain data that remembers where each of its keys and values stands.

The YAML is that of version 1.2's core schema (`1e-4` is a number, `on` and `1:30` are text), read
by PyYAML's safe loader down to its node graph and turned into data here, with limits: a file's
size, its nodes once aliases are followed, and its depth.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import yaml

from bertslim.errors import RecipeError
from bertslim.recipe.source import Fault, Location, RecipeSource
from bertslim.wording import shown

MAX_BYTES = 64 * 1024
MAX_NODES = 10_000
MAX_DEPTH = 20

_CORE = "tag:yaml.org,2002:"
_FLOAT = r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$"
_RESOLVERS = (
    ("null", r"(?:~|null|Null|NULL|)$", ("~", "n", "N", "")),
    ("bool", r"(?:true|True|TRUE|false|False|FALSE)$", tuple("tTfF")),
    ("int", r"[-+]?[0-9]+$", tuple("-+0123456789")),
    ("float", _FLOAT, tuple("-+.0123456789")),
)


def read_yaml(content: bytes, name: str) -> RecipeSource:
    """Read the content of a recipe file.

    Args:
        content: Of the file, the whole or, of a larger one, more than `MAX_BYTES`.
        name: What messages are to call the file.

    Raises:
        RecipeError: It is no YAML, no mapping, or beyond the limits.
    """
    try:
        root, faults = _compose(content)
        reader = _Reader()
        data = reader.mapping(root, ())
    except _RefusedError as refusal:
        raise RecipeError([refusal.fault.in_file(name)]) from refusal.__cause__
    return RecipeSource(name, data, reader.values, reader.keys, (*faults, *reader.faults))


def write_yaml(data: object) -> str:
    """Write plain data as YAML that `read_yaml`, and a reader of YAML 1.1, read back alike."""
    return yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)


class _RefusedError(Exception):
    """Content that is not worth reading on."""

    def __init__(self, message: str, line: int = 1, column: int = 1) -> None:
        super().__init__(message)
        self.fault = Fault(line, column, message)


class _Loader(yaml.SafeLoader):
    """Composes nodes with the core schema of YAML 1.2, up to the limits."""

    yaml_implicit_resolvers: dict[str, object] = {}  # noqa: RUF012 - filled by add_implicit_resolver

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.faults: list[Fault] = []
        self._depth = 0
        self._nodes = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        self._depth += 1
        self._nodes += 1
        _check_limits(self._depth, self._nodes, event.start_mark)
        if tag := getattr(event, "tag", None):
            self.faults.append(
                _fault(event.start_mark, f"tag {shown(tag)} is not allowed; leave it out")
            )
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node


class _Dumper(yaml.SafeDumper):
    """Quotes text that a reader of either version of YAML would take for a number."""

    def ignore_aliases(self, data: object) -> bool:
        return True

    def represent_text(self, text: str) -> yaml.ScalarNode:
        """Escape line breaks that only YAML 1.1 has: PyYAML would fold them."""
        style = '"' if re.search("[\x85\u2028\u2029]", text) else None
        return self.represent_scalar(_CORE + "str", text, style)


for _name, _pattern, _first in _RESOLVERS:
    _Loader.add_implicit_resolver(_CORE + _name, re.compile(_pattern), list(_first))
_Dumper.add_representer(str, _Dumper.represent_text)
_Dumper.add_implicit_resolver(_CORE + "float", re.compile(_FLOAT), list("-+.0123456789"))


def _compose(content: bytes) -> tuple[yaml.MappingNode, list[Fault]]:
    if len(content) > MAX_BYTES:
        raise _RefusedError(f"larger than {MAX_BYTES // 1024} kB, too large for a recipe")
    loader = _open(_decode(content))
    try:
        root = loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        context = f" ({error.context})" if error.context else ""
        raise _RefusedError(
            f"not valid YAML: {error.problem or error.context}{context}", *_position(mark)
        ) from error
    except (ValueError, OverflowError) as error:  # PyYAML lets these out
        raise _RefusedError(
            "not valid YAML: an escape or directive is malformed", *_position(loader.get_mark())
        ) from error
    if root is None:
        raise _RefusedError("the file is empty; a recipe starts with 'version: 1'")
    if not isinstance(root, yaml.MappingNode):
        raise _RefusedError(
            "a recipe is a mapping of keys such as 'version' and 'surgery'",
            *_position(root.start_mark),
        )
    return root, loader.faults


def _open(text: str) -> _Loader:
    try:
        return _Loader(text)
    except yaml.reader.ReaderError as error:
        raise _RefusedError(
            f"not valid YAML: the character {chr(error.character)!r} is not allowed",
            *_position_in(text[: error.position]),
        ) from error


def _decode(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8", errors="replace")
        raise _RefusedError("not UTF-8 text; save it as UTF-8", *_position_in(before)) from error


class _Reader:
    """Turns nodes into plain data and notes where they stand."""

    def __init__(self) -> None:
        self.values: dict[Location, tuple[int, int]] = {}
        self.keys: dict[Location, tuple[int, int]] = {}
        self.faults: list[Fault] = []
        self._open: set[yaml.Node] = set()
        self._visited = 0

    def mapping(self, node: yaml.MappingNode, location: Location) -> dict[str, object]:
        """Return the data of a mapping, which is then found at that location."""
        data: dict[str, object] = {}
        with self._inside(node, location):
            for key_node, value_node in node.value:
                key = self._key(key_node)
                if key is None:
                    self.faults.append(_fault(key_node.start_mark, "a key must be text; quote it"))
                elif key in data:
                    line, _ = self.keys[*location, key]
                    message = f"duplicate key {shown(key)}, first in line {line}"
                    self.faults.append(_fault(key_node.start_mark, message))
                else:
                    self.keys[*location, key] = _position(key_node.start_mark)
                    data[key] = self._value(value_node, (*location, key))
        return data

    def _value(self, node: yaml.Node, location: Location) -> object:
        if isinstance(node, yaml.MappingNode):
            return self.mapping(node, location)
        with self._inside(node, location):
            if isinstance(node, yaml.ScalarNode):
                return self._scalar(node)
            return [self._value(item, (*location, place)) for place, item in enumerate(node.value)]

    @contextmanager
    def _inside(self, node: yaml.Node, location: Location) -> Iterator[None]:
        self._visited += 1
        _check_limits(len(self._open) + 1, self._visited, node.start_mark)
        if node in self._open:
            raise _RefusedError("this value contains itself", *_position(node.start_mark))
        self.values[location] = _position(node.start_mark)
        self._open.add(node)
        yield
        self._open.remove(node)

    def _key(self, node: yaml.Node) -> str | None:
        key = self._scalar(node) if isinstance(node, yaml.ScalarNode) else None
        return key if isinstance(key, str) else None

    def _scalar(self, node: yaml.ScalarNode) -> str | int | float | bool | None:
        text: str = node.value
        if re.search("[\ud800-\udfff]", text):
            message = "text holds half of a surrogate pair, which is not Unicode"
            raise _RefusedError(message, *_position(node.start_mark))
        try:
            match node.tag.removeprefix(_CORE):
                case "null":
                    return None
                case "bool":
                    return text.lower() == "true"
                case "int":
                    return int(text)
                case "float":
                    return float(text)
        except ValueError:
            self.faults.append(_fault(node.start_mark, f"{shown(text)} cannot be read as a number"))
        return text


def _fault(mark: yaml.Mark | None, message: str) -> Fault:
    return Fault(*_position(mark), message)


def _check_limits(depth: int, nodes: int, mark: yaml.Mark | None) -> None:
    if depth > MAX_DEPTH:
        raise _RefusedError(f"nested deeper than {MAX_DEPTH} levels", *_position(mark))
    if nodes > MAX_NODES:
        raise _RefusedError(f"more than {MAX_NODES} values, aliases followed", *_position(mark))


def _position(mark: yaml.Mark | None) -> tuple[int, int]:
    return (mark.line + 1, mark.column + 1) if mark else (1, 1)


def _position_in(before: str) -> tuple[int, int]:
    """Return line and column of what follows the text."""
    return before.count("\n") + 1, len(before) - before.rfind("\n")
