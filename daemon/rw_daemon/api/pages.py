"""Pages of lists, typed for OpenAPI."""

from __future__ import annotations

from typing import Generic, TypeVar

from rw_shared.models import Model

T = TypeVar("T")


class Page(Model, Generic[T]):
    """One page of a list. ``next``: what to pass on for the page after; null when this is the last."""

    items: tuple[T, ...]
    next: str | None = None
