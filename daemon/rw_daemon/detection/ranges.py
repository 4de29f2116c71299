"""Version ranges as npm writes them: ``^20``, ``~1.2``, ``>=18 <21``, ``20.x``, ``18 || 20``, ``1.2 - 1.4``. Pure.

Source: node-semver's grammar, without pre-release tags, which no table of published tags here has.
"""

from __future__ import annotations

import re

Version = tuple[int, ...]
Bound = tuple[str, Version]

_PART = r"v?(\d+|[xX*])(?:\.(\d+|[xX*]))?(?:\.(\d+|[xX*]))?(?:[-+][\w.-]+)?"
_COMPARATOR = re.compile(rf"(>=|<=|>|<|=|\^|~>?)?\s*{_PART}")
_HYPHEN = re.compile(rf"^\s*{_PART}\s+-\s+{_PART}\s*$")


def fits(version: Version, wanted: str) -> bool:
    """Return whether ``version``, as far as it is written out (``(22,)`` stands for all of 22), can fit the range.

    ``ValueError`` when the range cannot be read.
    """
    return any(all(_holds(version, bound) for bound in _bounds(part)) for part in wanted.split("||"))


def pessimistic(text: str) -> str:
    """Return a range of Ruby, Elixir or Composer as npm writes it: their ``~> 1.2`` lets the last number that is written rise.

    ``or``, ``|`` and ``and`` become npm's signs; what only forbids one version (``!= 1.2.3``) is left out.
    """
    text = re.sub(r"\bor\b|\|\|?", "||", " ".join(text.split()))
    text = re.sub(r"!=\s*[\w.-]+|@[a-z]\w*|\band\b", " ", text)
    return re.sub(r"~>?\s*v?(\d{1,9}(?:\.\d{1,9})*)", _rising, text).strip()


def _rising(match: re.Match[str]) -> str:
    numbers = _numbers(tuple(match[1].split(".")))
    return f">={match[1]} <{'.'.join(map(str, _next(numbers[:-1] or numbers)))}"


def _bounds(part: str) -> list[Bound]:
    part = part.strip()
    if part in {"", "*", "x", "X", "latest"}:
        return []
    hyphen = _HYPHEN.match(part)
    if hyphen:
        groups = hyphen.groups()
        return [(">=", _numbers(groups[:3])), ("<=", _numbers(groups[3:]))]
    found: list[Bound] = []
    rest = part
    while rest:
        match = _COMPARATOR.match(rest)
        if match is None:
            raise ValueError(f"{part!r} is not a version range")
        found += _comparator(match[1] or "", _numbers(match.groups()[1:]))
        rest = rest[match.end() :].lstrip(" ,")
    return found


def _comparator(operator: str, numbers: Version) -> list[Bound]:
    if not numbers:
        return []
    if operator in {">=", "<=", ">", "<"}:
        return [(operator, numbers)]
    if operator == "^":
        leading = next((index for index, number in enumerate(numbers) if number), len(numbers) - 1)
        return [(">=", numbers), ("<", _next(numbers[: leading + 1]))]
    if operator.startswith("~"):
        return [(">=", numbers), ("<", _next(numbers[:2]))]
    return [(">=", numbers), ("<", _next(numbers))]


def _next(numbers: Version) -> Version:
    return (*numbers[:-1], numbers[-1] + 1)


def _numbers(parts: tuple[str | None, ...]) -> Version:
    found = []
    for part in parts:
        if part is None or not part.isdigit():
            break
        found.append(int(part))
    return tuple(found)


def _holds(version: Version, bound: Bound) -> bool:
    operator, limit = bound
    if operator == "<":  # below 1.15.0 is below all of 1.15
        limit = limit[: next((at for at in range(len(limit), 0, -1) if limit[at - 1]), 0)]
    length = min(len(version), len(limit))
    left, right = version[:length], limit[:length]
    if operator == ">=":
        return left >= right
    if operator == "<":
        return (*version, *(0,) * (len(limit) - len(version)))[: len(limit)] < limit  # the first version that it can stand for
    if operator == ">":
        return left > right or (left == right and len(limit) > len(version))
    return left <= right
