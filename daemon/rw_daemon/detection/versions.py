"""Which version of a language: what people wrote, against the tags that are published. Offline: see ``published``.

Order for each language: an override (``RW_BUILD_PYTHON_VERSION``, then ``NIXPACKS_*``, ``RAILPACK_*``), the language's own file
(``.python-version``, ``.nvmrc``, ``go.mod``), a tool manager's (``.tool-versions``, ``mise.toml``), the manifest's range, the default.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from rw_daemon.detection import ranges
from rw_daemon.detection.published import LANGUAGES
from rw_daemon.detection.source import Source
from rw_daemon.plans.plan import Beat, Notice, Origin

OVERRIDES = ("RW_BUILD_{}_VERSION", "NIXPACKS_{}_VERSION", "RAILPACK_{}_VERSION")
NUMBERS = r"\d{1,9}(\.\d{1,9})*"
NODE_NAMES = {"gallium": "16", "hydrogen": "18", "iron": "20", "jod": "22", "krypton": "24"}
_JAVA = re.compile(r"(?:[a-z][a-z0-9_.]*[-@])*(?:1\.(?=\d))?(\d+)(?:[._+u-].*)?", re.IGNORECASE)
ANY = frozenset({"", "*", "x", "latest", "current", "stable", "node", "lts", "lts/*", "lts/-1", "system"})


@dataclass(frozen=True)
class Wanted:
    """What one place says: ``text`` as it stands there, ``source`` the place."""

    text: str
    source: str


@dataclass(frozen=True)
class Resolved:
    """The version, where it comes from, and what a user should know of it."""

    version: str
    origin: Origin
    allowed: str = ""
    """What was asked for as it was written, a version or a range; empty when nobody asked: then any version will do."""
    notices: tuple[Notice, ...] = ()


def resolve(language: str, wanted: str) -> str | None:
    """Return the published tag for a version or range; ``None`` when none fits. The default is preferred where it fits."""
    wanted = _bare(language, wanted)
    if wanted in ANY:
        return LANGUAGES[language].default
    fitting = [tag for tag in LANGUAGES[language].tags if _fits(language, tag, wanted)]
    if not fitting:
        return _next(language, wanted)
    if re.fullmatch(NUMBERS, wanted):  # 1.70 is no 1, where both are published
        alike = {tag: min(tag.count("."), wanted.count(".")) for tag in fitting}
        fitting = [tag for tag in fitting if alike[tag] == max(alike.values())]
    return LANGUAGES[language].default if LANGUAGES[language].default in fitting else fitting[-1]


def _next(language: str, wanted: str) -> str | None:
    """Return the oldest published tag above a version, in languages where a newer one will do."""
    if not LANGUAGES[language].newer_will_do or not re.fullmatch(NUMBERS, wanted):
        return None
    asked = _numbers(wanted)
    return next((tag for tag in LANGUAGES[language].tags if _numbers(tag) > asked), None)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def allows(language: str, version: str, wanted: str) -> bool:
    """Return whether a version (as precise as it is written) fits what was asked for; everything fits where nothing was."""
    wanted = _bare(language, wanted)
    return wanted in ANY or _fits(language, version, wanted)


def _fits(language: str, tag: str, wanted: str) -> bool:
    numbers = _numbers(tag)
    if re.fullmatch(NUMBERS, wanted):
        asked = _numbers(wanted)
        return asked[: len(numbers)] == numbers[: len(asked)]
    if language == "python":
        return any(_contains(specifiers(part), numbers) for part in wanted.split("||"))
    try:
        return ranges.fits(numbers, wanted)
    except ValueError:
        return False


def _contains(text: str, numbers: tuple[int, ...]) -> bool:
    try:
        allowed = SpecifierSet(text)
    except InvalidSpecifier:
        return False
    tag = ".".join(str(number) for number in numbers)
    return any(allowed.contains(f"{tag}.{patch}") for patch in range(30)) if len(numbers) < 3 else allowed.contains(tag)


def specifiers(text: str) -> str:
    """Return a range of Python versions as PEP 440 writes it: Poetry's ``^3.9``, ``~3.9`` and ``3.9.*`` mean nothing to other tools."""
    found = []
    for part in re.split(r"\s*,\s*|\s+(?=[<>=!~^])", text.strip()):
        match = re.fullmatch(r"(\^|~(?!=)|===?|)\s*(\d+(?:\.\d+)*)((?:\.[*xX])?)", part)
        if match is None:
            found.append("" if part in ANY else part)
            continue
        numbers = [int(one) for one in match[2].split(".")]
        if match[1] == "^":
            found.append(f">={match[2]},<{numbers[0] + 1}")
        elif match[1] == "~":
            found.append(f">={match[2]},<{numbers[0]}.{numbers[1] + 1}" if len(numbers) > 1 else f">={match[2]},<{numbers[0] + 1}")
        else:
            found.append(f"=={match[2]}.*" if match[3] or len(numbers) < 3 else f"=={match[2]}")
    return ",".join(one for one in found if one)


def choose(language: str, source: Source, *, own: list[Wanted], manifests: list[Wanted], variables: Mapping[str, str]) -> Resolved:
    """Return the version of ``language``.

    :param own: what the language's own version files say, the strongest first.
    :param manifests: the ranges that manifests allow.
    """
    names = LANGUAGES[language].variable_names or (language.upper(),)
    asked = [pattern.format(name) for pattern in OVERRIDES for name in names]
    overrides = [Wanted(variables[name], name) for name in asked if variables.get(name)]
    candidates = _unique([*overrides, *own, *tool_versions(language, source), *manifests])
    notices = []
    for number, one in enumerate(candidates):
        version, others = resolve(language, one.text), candidates[number + 1 :]
        if version is None:
            known = ", ".join(LANGUAGES[language].tags)
            words = f"{language} {one.text} from {one.source} is not published (known: {known})."
            notices.append(Notice(code="VERSION_UNKNOWN", message=words, fix=f"Change {one.source}."))
            continue
        beat = [Beat.model_validate({"value": other.text, "from": other.source}) for other in others]
        notices += [_disagree(language, version, one.source, other) for other in others if not _agrees(language, version, other)]
        return Resolved(
            version,
            Origin.model_validate({"value": version, "from": one.source, "beat": beat}),
            _for_tools(language, one.text),
            tuple(notices),
        )
    default = LANGUAGES[language].default
    return Resolved(default, Origin.model_validate({"value": default, "from": "default"}), notices=tuple(notices))


def _agrees(language: str, version: str, other: Wanted) -> bool:
    wanted = _bare(language, other.text)
    is_older = bool(LANGUAGES[language].newer_will_do and re.fullmatch(NUMBERS, wanted) and _numbers(version) > _numbers(wanted))
    return is_older or _fits(language, version, wanted)


def _bare(language: str, text: str) -> str:
    """Return what was written as numbers or a range. Java's carry vendors, builds and, until 8, a 1 in front: ``temurin-1.8.0_392``."""
    if language == "java":
        match = _JAVA.fullmatch(text.strip())
        return match[1] if match else text.strip()
    text = re.sub(r"^(?:c?python[-@]?|v|go|node|ruby-)(?=\d)|-otp-\d+$", "", text.strip())
    return NODE_NAMES.get(text.lower().removeprefix("lts/"), text)


def _for_tools(language: str, wanted: str) -> str:
    """Return what was asked for in words that the language's tools understand."""
    wanted = _bare(language, wanted)
    if wanted in ANY:
        return ""
    if language != "python" or re.fullmatch(NUMBERS, wanted):
        return wanted
    return specifiers(wanted) if "||" not in wanted else ""


def _disagree(language: str, version: str, place: str, other: Wanted) -> Notice:
    words = f"{place} says {language} {version}, {other.source} says {other.text}."
    return Notice(code="VERSIONS_DISAGREE", message=words, fix=f"Change one of {place} and {other.source}.")


def tool_versions(language: str, source: Source) -> list[Wanted]:
    """Return what ``.tool-versions`` and ``mise.toml`` say of a language."""
    found = []
    for line in source.text(".tool-versions").splitlines():
        words = line.split("#")[0].split()
        if len(words) > 1 and words[0] in LANGUAGES[language].tool_names:
            found.append(Wanted(words[1], ".tool-versions"))
    for path in ("mise.toml", ".mise.toml"):
        tools = source.toml(path).get("tools", {})
        for name in LANGUAGES[language].tool_names if isinstance(tools, dict) else ():
            said = tools.get(name)
            said = said[0] if isinstance(said, list) and said else said.get("version") if isinstance(said, dict) else said
            if isinstance(said, str | int | float) and not isinstance(said, bool):
                found.append(Wanted(str(said), path))
    return found


def _unique(candidates: list[Wanted]) -> list[Wanted]:
    found: dict[str, Wanted] = {}
    for one in candidates:
        if one.text.strip():
            found.setdefault(one.source, one)
    return list(found.values())
