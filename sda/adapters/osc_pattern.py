"""OSC address patterns (`?`, `*`, `[a-z]`, `[!a-z]`, `{one,two}`) against the known addresses, in bounded time.

A known part of an address (between two slashes) is at most some tens of characters. The set of positions in it that the
pattern has reached so far is one integer, bit p for "the first p characters are used up"; every item of the pattern maps
it to the next by a few operations, so nothing is ever tried twice and the time is linear in the pattern. All steps of a
packet are paid from one `Budget`.

Source: "The Open Sound Control 1.0 Specification", Wright 2002, "OSC Message Dispatching and Pattern Matching".
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from sda.adapters.osc_packet import OscError

STEPS = 8_000  # a packet's worth of work: about 2 ms
LENGTH = 255  # characters of a pattern

_FIRST, _LAST = 0x20, 0x7E  # known addresses are of printable ASCII


def is_pattern(address: str) -> bool:
    """Whether an address holds a sign of a pattern."""
    return any(sign in address for sign in "?*[]{}")


class Budget:
    """What matching may still cost in a packet."""

    def __init__(self, steps: int = STEPS) -> None:
        self._left = steps

    def spend(self, steps: int) -> None:
        """Raises `OscError` when it is used up."""
        self._left -= steps
        if self._left < 0:
            raise OscError("patterns that take too long to match")


@dataclass(frozen=True, slots=True)
class _Any:
    """`*`"""


@dataclass(frozen=True, slots=True)
class _One:
    """`?` or `[...]`: one character, of a set or not of it."""

    chars: frozenset[str]
    inside: bool


@dataclass(frozen=True, slots=True)
class _Either:
    """`{one,two}`, or plain text: a single alternative."""

    texts: tuple[str, ...]


_Item = _Any | _One | _Either


@dataclass(slots=True)
class _Node:
    """A part of the known addresses: what may follow it, and the address that ends here."""

    address: str = ""
    parts: dict[str, _Node] = field(default_factory=dict)


class Addresses:
    """The known addresses as a tree of their parts."""

    def __init__(self, addresses: Iterable[str]) -> None:
        self._root = _Node()
        for address in addresses:
            node = self._root
            for part in address.split("/"):
                node = node.parts.setdefault(part, _Node())
            node.address = address

    def matching(self, pattern: str, budget: Budget) -> list[str]:
        """All known addresses that a pattern matches. Raises `OscError` for a broken, long or costly pattern."""
        if len(pattern) > LENGTH:
            raise OscError(f"a pattern of {len(pattern)} characters; expected at most {LENGTH}")
        nodes = [self._root]
        for part in pattern.split("/"):
            budget.spend(1 + len(nodes))
            if not is_pattern(part):
                nodes = [node.parts[part] for node in nodes if part in node.parts]
                continue
            items = _parse(part, budget)
            nodes = [child for node in nodes for name, child in node.parts.items() if _matches(items, name, budget)]
        return [node.address for node in nodes if node.address]


def matches(pattern: str, part: str) -> bool:
    """Whether a pattern matches one part of an address. Raises `OscError` for a broken pattern."""
    budget = Budget()
    return _matches(_parse(pattern, budget), part, budget)


def _parse(pattern: str, budget: Budget) -> list[_Item]:
    items: list[_Item] = []
    at = 0
    while at < len(pattern):
        sign = pattern[at]
        if sign == "*":
            if not items or not isinstance(items[-1], _Any):
                items.append(_Any())
            at += 1
        elif sign == "?":
            items.append(_One(frozenset(), False))
            at += 1
        elif sign in "[{":
            stop = pattern.find("]" if sign == "[" else "}", at)
            if stop < 0:
                raise OscError(f"a pattern with a {sign} that is not closed")
            items.append(_class(pattern[at + 1 : stop], budget) if sign == "[" else _either(pattern[at + 1 : stop]))
            at = stop + 1
        elif sign in "]}":
            raise OscError(f"a pattern with a {sign} that was not opened")
        else:
            stop = at
            while stop < len(pattern) and pattern[stop] not in "?*[]{}":
                stop += 1
            items.append(_Either((pattern[at:stop],)))
            at = stop
        budget.spend(3)
    return items


def _class(body: str, budget: Budget) -> _One:
    """The set of a `[...]`: characters and ranges; `!` in front turns it round, `-` at an end is itself."""
    inside = not body.startswith("!")
    body = body if inside else body[1:]
    chars: set[str] = set()
    at = 0
    while at < len(body):
        if at + 2 < len(body) and body[at + 1] == "-":
            low, high = sorted((ord(body[at]), ord(body[at + 2])))
            chars.update(map(chr, range(max(low, _FIRST), min(high, _LAST) + 1)))
            at += 3
        else:
            chars.add(body[at])
            at += 1
        budget.spend(16)
    return _One(frozenset(chars), inside)


def _either(body: str) -> _Either:
    if any(sign in body for sign in "?*[]{"):
        raise OscError("a pattern with signs inside { }")
    return _Either(tuple(body.split(",")))


def _matches(items: list[_Item], text: str, budget: Budget) -> bool:
    every = (2 << len(text)) - 1  # positions 0 .. len(text)
    reached = 1
    budget.spend(3)
    for item in items:
        if isinstance(item, _Any):
            reached = every & -(reached & -reached)  # from the lowest reached position on
            budget.spend(1)
        elif isinstance(item, _One):
            budget.spend(1 + len(text) // 4)
            fits = sum(1 << at for at, char in enumerate(text) if (char in item.chars) == item.inside)
            reached = (reached & fits) << 1
        else:
            budget.spend(2 * len(item.texts) * reached.bit_count())
            reached = _after_either(reached, item.texts, text)
        if not reached:
            return False
    return bool(reached >> len(text) & 1)


def _after_either(reached: int, alternatives: tuple[str, ...], text: str) -> int:
    """Positions behind any alternative, from the positions reached before it."""
    after = 0
    while reached:
        at = (reached & -reached).bit_length() - 1
        reached &= reached - 1
        for alternative in alternatives:
            if text.startswith(alternative, at):
                after |= 1 << at + len(alternative)
    return after
