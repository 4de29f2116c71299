"""What CMake, Meson and Make files say: the programs that they build, and the libraries that these need. Pure.

All three are languages of their own; names that are only known when they run count as not said.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from rw_daemon.detection.source import Source

CMAKE, MESON, MAKE = "CMakeLists.txt", "meson.build", ("GNUmakefile", "makefile", "Makefile")
CODE = (".c", ".cc", ".cpp", ".cxx", ".c++", ".h", ".hh", ".hpp", ".hxx", ".ipp", ".tpp", ".S")
NO_PROGRAM = re.compile(r"(?i)(?:.*[_-])?(?:tests?|bench(?:mark)?s?|examples?)(?:[_-].*)?")
MAKE_NAMES = ("TARGET", "BIN", "BINARY", "PROG", "PROGRAM", "EXE", "EXEC", "EXECUTABLE", "OUT", "OUTPUT", "APP", "NAME")
_CMAKE_TEXT = re.compile(r"#\[(=*)\[.*?\]\1\]|#[^\n]*", re.DOTALL)
_CMAKE_CALL = re.compile(
    r"\b(project|set|add_executable|add_library|add_subdirectory|find_package|pkg_check_modules|fetchcontent_declare|externalproject_add)"
    r"\s*\(([^()]*)\)",
    re.IGNORECASE,
)
_WORD = re.compile(r'"([^"]*)"|([^\s"]+)')
_MESON_CALL = re.compile(r"\b(project|executable|dependency|subdir)\s*\(\s*(?:'([^']*)'|(meson\.project_name\(\)))")
_MAKE_SET = re.compile(r"^[ \t]*(?:export[ \t]+)?([A-Za-z_]\w*)[ \t]*[:?]{0,2}=[ \t]*([^#\n]*)", re.MULTILINE)
_MAKE_RULE = re.compile(r"^([^\s:#=][^:#=\n]*):(?!=)[^\n]*\n((?:\t[^\n]*\n?)+)", re.MULTILINE)
_MAKE_LINKS = re.compile(r"(?<![\w-])-o[ \t]+(\S+)")


@dataclass
class Project:
    """What was found. ``programs`` holds name → file; ``is_shared`` tells of libraries that have to lie beside the program."""

    programs: dict[str, str] = field(default_factory=dict)
    libraries: dict[str, tuple[str, ...]] = field(default_factory=dict)
    name: str = ""
    is_shared: bool = False
    fetches: bool = False


def cmake(source: Source) -> Project:
    """Return what CMakeLists.txt says, together with those of the folders that it adds."""
    found, values = Project(), dict[str, str]()
    for path, call, words in _cmake_calls(source, "", values, set()):
        if call == "project" and words:
            found.name = found.name or words[0]
        elif call == "add_executable" and words and not {"IMPORTED", "ALIAS"} & set(words[1:2]):
            found.programs.setdefault(words[0], path)
        elif call == "add_library" and "SHARED" in words:
            found.is_shared = True
        elif call == "find_package" and words:
            at = words.index("COMPONENTS") + 1 if "COMPONENTS" in words else len(words)
            found.libraries[words[0].lower()] = tuple(word for word in words[at:] if not word.isupper())
        elif call == "pkg_check_modules":
            found.libraries |= {re.split(r"[<>=]", word)[0].lower(): () for word in words[1:] if not word.isupper()}
        elif call in {"fetchcontent_declare", "externalproject_add"}:
            found.fetches = True
    return _named(found)


def _cmake_calls(source: Source, folder: str, values: dict[str, str], seen: set[str]) -> Iterator[tuple[str, str, list[str]]]:
    """Yield file, command and words of all calls, in the order in which CMake comes by them."""
    path = posixpath.join(folder, CMAKE)
    if path in seen:
        return
    seen.add(path)
    for call, text in _CMAKE_CALL.findall(_CMAKE_TEXT.sub("", source.text(path))):
        words = [_filled(quoted or bare, values) for quoted, bare in _WORD.findall(text)]
        name = call.lower()
        if name == "project" and words:
            values |= {"PROJECT_NAME": words[0], "CMAKE_PROJECT_NAME": values.get("CMAKE_PROJECT_NAME", words[0])}
        elif name == "set" and len(words) == 2:  # a name and one value: lists are no names of programs
            values[words[0]] = words[1]
        elif name == "add_subdirectory" and words:
            yield from _cmake_calls(source, posixpath.normpath(posixpath.join(folder, words[0])), values, seen)
            continue
        yield path, name, words


def _filled(text: str, values: Mapping[str, str]) -> str:
    return re.sub(r"\$[{(](\w+)[})]", lambda match: values.get(match[1], match[0]), text)


def meson(source: Source) -> Project:
    """Return what meson.build says, together with those of the folders that it adds."""
    found, folders, seen = Project(), [""], set[str]()
    while folders:
        path = posixpath.join(folders.pop(0), MESON)
        if path in seen:
            continue
        seen.add(path)
        for call, text, is_project in _MESON_CALL.findall(re.sub(r"#[^\n]*", "", source.text(path))):
            if call == "project":
                found.name = found.name or text
            elif call == "executable":
                found.programs.setdefault(found.name if is_project else text, path)
            elif call == "dependency":
                found.libraries[text.lower()] = ()
            else:
                folders.append(posixpath.normpath(posixpath.join(posixpath.dirname(path), text)))
    found.fetches = bool(source.glob("subprojects/*.wrap"))
    return _named(found)


def make(source: Source) -> Project:
    """Return the program of a Makefile: what a variable of the usual names holds, else what a rule links or ``all`` makes."""
    path = next(name for name in MAKE if source.has(name))
    text = re.sub(r"\\\n", " ", source.text(path))
    values = {name: value.strip() for name, value in _MAKE_SET.findall(text)}
    values = {name: _filled(value, values) for name, value in values.items()}
    names = [values[name] for name in MAKE_NAMES if name in values]
    for target, recipe in _MAKE_RULE.findall(text):
        names += [target if one == "$@" else one for one in _MAKE_LINKS.findall(recipe)]
    if every := re.search(r"^all[ \t]*:[ \t]*([^#\n]*)", text, re.MULTILINE):
        names += every[1].split()
    bases = [posixpath.basename(_filled(name.strip(), values)) for name in names if " " not in name.strip()]
    return _named(Project(programs={name: path for name in bases if not name.endswith((".o", ".a", ".so"))}))


def _named(project: Project) -> Project:
    """Return the project without programs whose names are only known when the file runs, and without tests."""
    known = {name: path for name, path in project.programs.items() if re.fullmatch(r"[\w.+-]+", name)}
    project.programs = {name: path for name, path in known.items() if not NO_PROGRAM.fullmatch(name)}
    return project
