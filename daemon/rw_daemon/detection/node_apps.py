"""Which package of a Node workspace is the app: the one that is asked for, the one that the root starts, the likeliest. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from rw_daemon.detection import apps, node_frameworks, node_nx, node_workspaces
from rw_daemon.detection.package_json import NAME, Package
from rw_daemon.plans.plan import Candidate, Notice
from rw_shared.errors import ConfigInvalidError

ASKED = "RW_BUILD_NODE_APP"
OTHERS = ("NIXPACKS_NX_APP_NAME", "NIXPACKS_TURBO_APP_NAME", "NIXPACKS_MOON_APP_NAME", "RAILPACK_NX_APP")
_RUNNER = re.compile(r"(?:npx (?:--?\S+ )*)?(turbo|nx|lerna|moon|npm|pnpm|yarn|bun)\s[^;&|]*")
_NAMES = (
    re.compile(
        r"(?:--filter|-F|--workspace|-w|--scope|--prefix|-C|--dir|--cwd)[= ]['\"]?(?:\.{3}|\./)?([@\w./-]+?)(?:\.{3})?['\"]?(?=\s|$)"
    ),
    re.compile(r"\byarn workspace ([@\w./-]+)"),
    re.compile(r"\bnx (?:run|serve|start) ([@\w./-]+)"),
    re.compile(r"\bmoon run ([@\w./-]+):"),
)
_ALL = re.compile(
    r"(?:npx )?(?:turbo|nx|lerna)\b.*|(?:pnpm|yarn|npm|bun)\b.*(?:\s-r\b|--recursive|--workspaces|--filter '?\*'?|\sworkspaces foreach).*"
)


@dataclass(frozen=True)
class Choice:
    """The package to build and run. ``place`` says why it is this one; empty where there is no other."""

    package: Package
    place: str = ""
    apps: tuple[Candidate, ...] = ()
    notices: tuple[Notice, ...] = ()


def choose(root: Package, variables: Mapping[str, str], *, runs: Callable[[Package], bool], root_runs: bool, is_said: bool) -> Choice:
    """Return the app of a tree with package.json.

    :param runs: tells whether a package can be started. :param root_runs: whether the root itself can be.
    :param is_said: a start command is written down, and runs in the root whichever app it starts.
    ``ConfigInvalidError``: there is no app of the name that is asked for. ``SeveralAppsError``: two are equally likely.
    """
    members = node_workspaces.members(root.source)
    place, wanted = next(((name, variables[name].strip()) for name in (ASKED, *OTHERS) if variables.get(name, "").strip()), ("", ""))
    unknown: tuple[Notice, ...] = ()
    if wanted:
        if asked := _called(wanted, members):
            return Choice(asked, place, _candidates(members, runs))
        unknown = (_unknown(wanted, place, members),)
    if members and (first := _by_files(root, members, runs)):
        return Choice(first[0], first[1], _candidates(members, runs), unknown)
    if not members or (root_runs and not _ALL.fullmatch(root.scripts.get("start", ""))):
        return Choice(root, notices=unknown)
    found = _candidates(members, runs)
    if not found or (is_said and len(found) > 1):
        return Choice(root, notices=unknown)
    chosen, notices = apps.choose(found)
    package = next(one for one in members if one.folder == chosen.path)
    return Choice(package, f"the likeliest: {chosen.why}" if notices else "the only app of the workspace", found, (*unknown, *notices))


def _called(wanted: str, members: list[Package]) -> Package | None:
    name = wanted.strip("/").removeprefix("./")
    return next((one for one in members if name in node_workspaces.names(one)), None)


def _unknown(wanted: str, place: str, members: list[Package]) -> Notice:
    """Return the warning that another tool would give as well. ``ConfigInvalidError`` where it is rw's own variable."""
    known = ", ".join(one.folder for one in members) or "none"
    if place == ASKED:
        raise ConfigInvalidError(place, f"no package of this workspace is called {wanted[:60]!r}.", hint=f"There are: {known}.")
    return Notice(code="APP_UNKNOWN", message=f"{place}: no package is called {wanted[:60]!r}.", fix=f"There are: {known}.")


def _by_files(root: Package, members: list[Package], runs: Callable[[Package], bool]) -> tuple[Package, str] | None:
    """Return the app that Nx has by default, or the one that the root's start script hands over to."""
    if (one := _called(node_nx.default(root), members)) and runs(one):
        return one, f"defaultProject in {node_nx.NAME}"
    script = root.scripts.get("start", "").strip()
    if not _RUNNER.fullmatch(script):
        return None
    names = [match[1] for pattern in _NAMES if (match := pattern.search(script))]
    found = next((one for name in names if (one := _called(name.partition(":")[0], members)) and runs(one)), None)
    return (found, f"scripts.start in {NAME}") if found else None


def _candidates(members: list[Package], runs: Callable[[Package], bool]) -> tuple[Candidate, ...]:
    startable = [one for one in members if runs(one)]
    return apps.ranked([apps.candidate(one.folder, "node", node_frameworks.find(one).name) for one in startable])
