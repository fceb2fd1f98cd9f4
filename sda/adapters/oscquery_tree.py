"""What an OSCQuery client reads: the controls and acts as a tree of JSON objects, and the answer to a query. No I/O.

The tree is derived from the rows of the registry and of the acts. A switch is an `i` of 0 or 1, as it is sent over OSC;
what else an address takes stands in its OVERLOADS: true and false, a choice by its number, an act without what may be left
out. A slider stands under its number alone, with its name in the description: under two addresses it would be two faders.

Source: "OSCQuery Proposal", https://github.com/Vidvox/OSCQueryProposal, README.md and units.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any, NamedTuple
from urllib.parse import unquote

from sda.acts import ACTS, Act, Argument
from sda.params import Kind, Param, Value

Node = dict[str, Any]
Entry = Param | Act

NONE, WRITE, BOTH = 0, 2, 3  # ACCESS
OFFERED = ("ACCESS", "VALUE", "RANGE", "DESCRIPTION", "UNIT", "CLIPMODE", "OVERLOADS", "LISTEN", "PATH_CHANGED")
HOST_INFO = "HOST_INFO"
ATTRIBUTES = ("FULL_PATH", "CONTENTS", "TYPE", "ACCESS", "VALUE", "RANGE", "DESCRIPTION", "UNIT", "CLIPMODE", "OVERLOADS")
FOREIGN = ("TAGS", "EXTENDED_TYPE", "CRITICAL", "HTML")  # of the proposal, but not kept here
TAGS = {Kind.FLOAT: "f", Kind.INT: "i", Kind.BOOL: "i", Kind.CHOICE: "s", Kind.TEXT: "s"}
UNITS = {"dB": "gain.db", "ms": "time.ms", "s": "time.second", "Hz": "time.hz", "deg": "angle.degree", "m": "distance.m"}


class Reply(NamedTuple):
    """The answer to a query; no body where there is nothing to say."""

    status: HTTPStatus
    body: Node | None = None


class Tree:
    """The address space of a set of rows. Made anew when a model brings other sliders."""

    def __init__(self, rows: Sequence[Param], acts: Sequence[Act] = ACTS) -> None:
        self.rows = rows
        entries: list[Entry] = [*rows, *acts]
        self._entries = {entry.address: entry for entry in entries}
        self._fixed: dict[str, Node] = {path: _described(path, entry) for path, entry in self._entries.items()}
        self._children: dict[str, list[str]] = {"/": []}
        for path in self._entries:
            parent = "/"
            for step in _steps(path):
                if step not in self._children:
                    self._children[step] = []
                    self._children[parent].append(step)
                parent = step

    def query(self, target: str, values: Mapping[str, Value], host: Node) -> Reply:
        """The answer to the target of an HTTP request, `/path` or `/path?ATTRIBUTE`.

        values: by control id; host: the HOST_INFO object.
        """
        path, mark, attribute = target.partition("?")
        attribute = unquote(attribute)
        if mark and attribute == HOST_INFO:
            return Reply(HTTPStatus.OK, host)
        if mark and attribute not in (*ATTRIBUTES, *FOREIGN):
            return Reply(HTTPStatus.BAD_REQUEST)
        path = unquote(path).rstrip("/") or "/"
        if path not in self._children:
            return Reply(HTTPStatus.NOT_FOUND)
        if not mark:
            return Reply(HTTPStatus.OK, self._whole(path, values))
        node = self._whole(path, values) if attribute == "CONTENTS" else self._own(path, values)
        if attribute in FOREIGN or (attribute == "VALUE" and node["ACCESS"] != BOTH):
            return Reply(HTTPStatus.NO_CONTENT)
        return Reply(HTTPStatus.OK, {attribute: node[attribute]} if attribute in node else {})

    def control(self, path: str) -> str | None:
        """The id of the control at an address, if there is one."""
        entry = self._entries.get(path)
        return entry.id if isinstance(entry, Param) else None

    def changed_since(self, before: Tree) -> str | None:
        """The container in which all differences to an earlier tree lie, the deepest that is in both; None: there are none."""
        paths = {*self._fixed, *before._fixed}
        changed = [path for path in paths if self._fixed.get(path) != before._fixed.get(path)]
        if not changed:
            return None
        common = set.intersection(*({"/", *_steps(path)} - {path} for path in changed))
        return max((path for path in common if path in self._children and path in before._children), key=len)

    def _whole(self, path: str, values: Mapping[str, Value]) -> Node:
        """A node with all that is in it."""
        node = self._own(path, values)
        if children := self._children[path]:
            node["CONTENTS"] = {child.rpartition("/")[2]: self._whole(child, values) for child in children}
        return node

    def _own(self, path: str, values: Mapping[str, Value]) -> Node:
        """A node without what is in it."""
        entry = self._entries.get(path)
        if entry is None:
            return {"FULL_PATH": path, "ACCESS": NONE}
        node = dict(self._fixed[path])
        if isinstance(entry, Param):
            value = values.get(entry.id, entry.default)
            node["VALUE"] = [int(value) if entry.kind is Kind.BOOL else value]
        return node


def host_info(name: str, host: str, osc_port: int, port: int) -> Node:
    """The HOST_INFO object. host: "" where OSC is received at whatever address the HTTP request was sent to."""
    where = {"OSC_IP": host, "WS_IP": host} if host else {}
    ports = {"OSC_PORT": osc_port, "OSC_TRANSPORT": "UDP", "WS_PORT": port}
    return {"NAME": name, "EXTENSIONS": dict.fromkeys(OFFERED, True), **where, **ports}


def _steps(path: str) -> Iterator[str]:
    """A path's containers from the top, and itself last: /sda, /sda/slider, /sda/slider/1."""
    at = 0
    while (at := path.find("/", at + 1)) > 0:
        yield path[:at]
    yield path


def _described(path: str, entry: Entry) -> Node:
    """All that does not change with a value."""
    if isinstance(entry, Act):
        return {"FULL_PATH": path, "ACCESS": WRITE, "DESCRIPTION": entry.help, **_of_act(entry)}
    text = f"{entry.name}: {entry.help}" if entry.name and entry.help else entry.name or entry.help
    return {"FULL_PATH": path, "ACCESS": BOTH, "DESCRIPTION": text, **_of_control(entry)}


def _of_control(row: Param) -> Node:
    node: Node = {"TYPE": TAGS[row.kind]}
    if row.kind in (Kind.FLOAT, Kind.INT):
        node |= {"RANGE": [{"MIN": row.low, "MAX": row.high}], "CLIPMODE": ["both"]}
    elif row.kind is Kind.BOOL:
        node |= {"RANGE": [{"MIN": 0, "MAX": 1, "VALS": [0, 1]}], "OVERLOADS": [{"TYPE": "T"}, {"TYPE": "F"}]}
    elif row.kind is Kind.CHOICE:
        numbers = {"TYPE": "i", "RANGE": [{"MIN": 0, "MAX": len(row.choices) - 1}], "CLIPMODE": ["both"]}
        node |= {"RANGE": [{"VALS": list(row.choices)}], "OVERLOADS": [numbers]}
    if row.unit:
        node["UNIT"] = [UNITS.get(row.unit, row.unit)]
    return node


def _of_act(act: Act) -> Node:
    if not act.arguments:
        return {"TYPE": "I", "OVERLOADS": [{"TYPE": "i"}, {"TYPE": "f"}, {"TYPE": "T"}]}  # what buttons send
    needed = sum(argument.needed for argument in act.arguments)
    node = _of_arguments(act.arguments)
    shorter = [_of_arguments(act.arguments[:count]) for count in range(needed, len(act.arguments))]
    return {**node, "OVERLOADS": shorter} if shorter else node


def _of_arguments(arguments: Sequence[Argument]) -> Node:
    """TYPE and what goes with it of an act that is told this much."""
    node: Node = {"TYPE": "".join(TAGS[argument.kind] for argument in arguments) or "I"}
    numbers = [argument.kind is not Kind.TEXT for argument in arguments]
    if any(numbers):
        pairs = list(zip(arguments, numbers, strict=True))
        node["RANGE"] = [{"MIN": a.low, "MAX": a.high} if number else {} for a, number in pairs]
        node["CLIPMODE"] = ["both" if number else "none" for _, number in pairs]
    if any(argument.unit for argument in arguments):
        node["UNIT"] = [UNITS.get(argument.unit, argument.unit) for argument in arguments]
    return node
