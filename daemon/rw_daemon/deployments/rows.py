"""The order of services: one comes after those that it refers to. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Set


def in_rows(needs: Mapping[str, Set[str]]) -> tuple[list[list[str]], list[str]]:
    """Return services in rows, each after the rows that it needs; and those that wait for each other in a circle, who come together.

    :param needs: what each one refers to; itself, and what is not among them, counts for nothing.
    """
    found: list[list[str]] = []
    left = {name: {one for one in others if one in needs and one != name} for name, others in needs.items()}
    circle: list[str] = []
    while left:
        ready = [name for name, others in left.items() if not others & left.keys()]
        if not ready:
            circle = ready = _in_circles(left)
        found.append(ready)
        for name in ready:
            del left[name]
    return found, circle


def _in_circles(left: Mapping[str, Set[str]]) -> list[str]:
    """Return those that need themselves in the end; others only wait for them."""

    def reached(name: str) -> set[str]:
        seen: set[str] = set()
        ahead = list(left[name] & left.keys())
        while ahead:
            one = ahead.pop()
            if one not in seen:
                seen.add(one)
                ahead += left[one] & left.keys()
        return seen

    return [name for name in left if name in reached(name)]
