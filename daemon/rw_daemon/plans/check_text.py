"""Rules for a Dockerfile, one that rw wrote or a user's own: what it starts from, what it gives away, whom it runs as. Pure.

The rules for secrets and for the form of CMD are those of ``docker build --check`` (SecretsUsedInArgOrEnv, JSONArgsRecommended).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from rw_daemon.plans.bases import Image, bases_of
from rw_daemon.plans.check import SECRET_NAME, SECRET_VALUE
from rw_daemon.plans.plan import Notice

_WORD = re.compile(r"^\s*([A-Za-z]+)\s+(.*)$", re.DOTALL)
_HEREDOC = re.compile(r"<<-?\s*[\"']?(\w+)[\"']?")
_NAMES = re.compile(r"(?:^|\s)([A-Za-z_]\w*)(?==)")
_STAGE = re.compile(r"^(?:--\S+\s+)*(\S+)(?:\s+AS\s+(\S+))?\s*$", re.IGNORECASE)
WITHOUT_RIGHTS = ("nonroot", "rootless", "unprivileged")
"""Words in the name of a base whose own user is not root."""


@dataclass(frozen=True)
class Instruction:
    """One instruction, its continued lines put together; ``line`` counts from 1."""

    line: int
    word: str
    rest: str


@dataclass
class _Stage:
    base: str = ""
    user: str = ""
    starts: list[Instruction] = field(default_factory=list)


def instructions(text: str) -> Iterator[Instruction]:
    """Yield a Dockerfile's instructions; comments and the bodies of here-documents are passed over."""
    held, at, ends = "", 0, list[str]()
    for number, line in enumerate(text.splitlines(), start=1):
        if ends:
            if line.strip() == ends[0]:
                ends.pop(0)
            continue
        if line.lstrip().startswith("#") or (not line.strip() and not held):
            continue
        at = at if held else number
        if line.rstrip().endswith("\\"):
            held += line.rstrip()[:-1] + " "
            continue
        whole, held = held + line, ""
        if found := _WORD.match(whole):
            word = found[1].upper()
            ends = _HEREDOC.findall(whole) if word in {"RUN", "COPY", "ADD"} else []
            yield Instruction(at, word, found[2].strip())


def check_text(text: str, *, name: str = "Dockerfile") -> tuple[Notice, ...]:
    """Return what would surprise somebody later, in the order of the file.

    :param name: of the file, for the messages.
    """
    found: list[tuple[int, Notice]] = []

    def note(line: int, code: str, message: str, fix: str) -> None:
        found.append((line, Notice(code=code, message=f"{name}:{line}: {message}", fix=fix)))

    everything = list(instructions(text))
    for one in everything:
        for secret in _secrets(one):
            words = f"{secret} looks like a secret, and who has the image can read it."
            note(one.line, "SECRET_IN_IMAGE", words, "Mount it: `RUN --mount=type=secret,id=NAME`.")
    for base in bases_of(text, {}):
        if not Image.of(base).is_pinned:
            line = next((one.line for one in everything if base in one.rest), 1)
            note(line, "BASE_NOT_PINNED", f"{base} names no version: it means another image some day.", "Name one.")
    last = _last_stage(everything)
    end = everything[-1].line if everything else 1
    if last.user in {"root", "0"}:
        note(end, "RUNS_AS_ROOT", "the app runs as root.", "End with `USER 10001`.")
    elif not last.user and not any(word in last.base for word in WITHOUT_RIGHTS):
        note(end, "RUNS_AS_ROOT", "no USER: the app runs as the base's user, which is mostly root.", "End with `USER 10001`.")
    if last.starts and not last.starts[-1].rest.startswith("["):
        words = "a shell starts the app and keeps SIGTERM to itself."
        note(last.starts[-1].line, "SHELL_FORM", words, 'Write a list, `CMD ["program", "argument"]`, or `CMD exec …`.')
    return tuple(notice for _, notice in sorted(found, key=lambda pair: pair[0]))


def base_of(text: str) -> str:
    """Return the image that the last stage starts from; empty when an argument names it."""
    base = _last_stage(list(instructions(text))).base
    return "" if "$" in base else base


def _secrets(one: Instruction) -> list[str]:
    """Return what an instruction leaves in the image's settings or history: names of ARG and ENV, and values anywhere."""
    names: list[str] = []
    if one.word == "ENV":
        names = _NAMES.findall(one.rest) or one.rest.split()[:1]
    elif one.word == "ARG":
        names = [argument.partition("=")[0] for argument in one.rest.split()]
    said = [name for name in names if SECRET_NAME.search(name)]
    return said or (["A value"] if one.word in {"ENV", "ARG", "RUN", "LABEL"} and SECRET_VALUE.search(one.rest) else [])


def _last_stage(everything: list[Instruction]) -> _Stage:
    """Return the stage that becomes the image, with what it takes over from the stages it starts from."""
    stages: dict[str, _Stage] = {}
    last = _Stage()
    for one in everything:
        if one.word == "FROM" and (found := _STAGE.match(one.rest)):
            before = stages.get(found[1].lower(), _Stage(base=found[1]))
            last = _Stage(before.base, before.user, list(before.starts))
            if found[2]:
                stages[found[2].lower()] = last
        elif one.word == "USER":
            last.user = one.rest.partition(":")[0].strip()
        elif one.word in {"CMD", "ENTRYPOINT"} and not one.rest.startswith("exec "):
            last.starts.append(one)
    return last
