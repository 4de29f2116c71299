"""The apps of a tree whose root is none: which folders can be built and started by themselves, and which of them is meant. Pure."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Sequence

from rw_daemon.detection.source import Source
from rw_daemon.plans.plan import BuildPlan, Candidate, Notice
from rw_shared.errors import RwError, SeveralAppsError

DEEPEST, MOST_FOLDERS = 3, 200
LIKELY = 50
MAIN = {"api", "app", "backend", "client", "frontend", "main", "server", "site", "web", "website", "www"}
ASIDE = re.compile(r"(?i)docs?|documentation|storybook|playground|examples?|demos?|samples?|bench(marks?)?|tools?|scripts?|tests?|.*e2e")
PLACES = {"apps", "services"}
NOT_LOOKED_AT = re.compile(r"(?:^|/)(?:\..*|node_modules|vendor|third_party|dist|build|target|fixtures|testdata|tests?)(?:/|$)")
NO_APP = {"shell"}
"""A folder with a script in it is a tool of the project more often than an app."""


WHOLE = ("pubspec.yaml",)
"""A root with one of these is a project itself: the web folder of one that no pack plans (Flutter) is a part of it."""


def candidates(source: Source, plan: Callable[[str], BuildPlan]) -> tuple[Candidate, ...]:
    """Return the folders that can be started, the likeliest first; what lies inside one of them is part of it.

    :param plan: plans a folder as if it were the whole tree, or raises.
    """
    found: list[Candidate] = []
    for folder in _folders(source) if source.first(*WHOLE) is None else ():
        if any(folder.startswith(f"{one.path}/") for one in found):
            continue
        try:
            made = plan(folder)
        except RwError:  # nothing there, or nothing that can be started as it is
            continue
        if made.buildpack not in NO_APP:
            found.append(candidate(folder, made.buildpack, made.framework))
    return ranked(found)


def candidate(folder: str, buildpack: str, framework: str) -> Candidate:
    """Return an app with its score, which its place and its name decide: what it is made with says nothing about what is meant."""
    name, above = posixpath.basename(folder), posixpath.basename(posixpath.dirname(folder))
    reasons = [
        (LIKELY, "can be started"),
        (20 if name.lower() in MAIN else 0, f"is called {name}"),
        (10 if above in PLACES else 0, f"lies in {above}/"),
        (-30 if ASIDE.fullmatch(name) else 0, f"is called {name}"),
    ]
    said = [(points, words) for points, words in reasons if points]
    return Candidate(
        path=folder,
        buildpack=buildpack,
        framework=framework,
        score=sum(points for points, _ in said),
        why=", ".join(f"{words} ({points:+})" for points, words in said),
    )


def ranked(found: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """Return the likeliest first, equals by path."""
    return tuple(sorted(found, key=lambda one: (-one.score, one.path)))


def choose(found: Sequence[Candidate]) -> tuple[Candidate, tuple[Notice, ...]]:
    """Return the one that is meant, with a warning where there are others. ``SeveralAppsError``: two are equally likely."""
    first, *others = found
    if not others:
        return first, ()
    if first.score == others[0].score:
        raise SeveralAppsError(*told([one for one in found if one.score >= LIKELY] or found))
    words = f"There are several apps ({', '.join(one.path for one in found)}); {first.path} is taken."
    return first, (Notice(code="SEVERAL_APPS", message=words, fix=f"Name the one that is meant: `rw up {others[0].path}`."),)


def told(found: Sequence[Candidate]) -> tuple[list[str], list[str]]:
    """Return the folders and what each of them is, as ``SeveralAppsError`` takes them."""
    return [one.path for one in found], [" ".join(filter(None, (one.buildpack, one.framework))) for one in found]


def _folders(source: Source) -> Iterator[str]:
    """Yield the folders to look into, the shallow ones first."""
    found: set[str] = set()
    for path in source.paths:
        parts = path.split("/")[:-1][:DEEPEST]
        found.update("/".join(parts[: end + 1]) for end in range(len(parts)))
    wanted = sorted((one for one in found if not NOT_LOOKED_AT.search(one)), key=lambda one: (one.count("/"), one))
    yield from wanted[:MOST_FOLDERS]
