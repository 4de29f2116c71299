"""Which version of a language: what people write, and what a range means."""

from __future__ import annotations

import pytest

from rw_daemon.detection import ranges, versions
from rw_daemon.detection.published import LANGUAGES
from rw_daemon.detection.source import Source
from rw_daemon.detection.versions import Wanted

RESOLVED = [
    ("python", "3.12", "3.12"),
    ("python", "3.12.4", "3.12"),
    ("python", "3", "3.13"),
    ("python", "python-3.11.9", "3.11"),
    ("python", "cpython-3.11", "3.11"),
    ("python", ">=3.9", "3.13"),
    ("python", ">= 3.9, < 3.12", "3.11"),
    ("python", ">=3.9 <3.12", "3.11"),
    ("python", "<3.12", "3.11"),
    ("python", ">3.13", "3.13"),
    ("python", ">=3.14", "3.14"),
    ("python", "==3.10.*", "3.10"),
    ("python", "==3.10", "3.10"),
    ("python", "~=3.11.2", "3.11"),
    ("python", "~=3.11", "3.13"),
    ("python", "^3.9", "3.13"),
    ("python", "~3.11", "3.11"),
    ("python", "~3", "3.13"),
    ("python", "3.10.*", "3.10"),
    ("python", "3.x", "3.13"),
    ("python", "*", "3.13"),
    ("python", "^3.8 || ^3.9", "3.13"),
    ("python", "~3.9 || ~3.10", "3.10"),
    ("python", "!=3.13.*,>=3.12", "3.14"),
    ("python", "latest", "3.13"),
    ("python", "2.7", None),
    ("python", "pypy3.10", None),
    ("python", "<3", None),
    ("node", "20", "20"),
    ("node", "v20.11.1", "20"),
    ("node", ">=18", "22"),
    ("node", ">=18 <21", "20"),
    ("node", "^18 || ^20", "20"),
    ("node", "18.x", "18"),
    ("node", "lts/*", "22"),
    ("node", "lts/iron", "20"),
    ("node", "hydrogen", "18"),
    ("node", "~20.9", "20"),
    ("node", "21", None),
    ("node", "tomorrow", None),
    ("go", "1.22.3", "1.22"),
    ("go", "go1.23", "1.23"),
    ("go", "9.9", None),
    ("go", "1.18", "1.21"),
    ("java", "17", "17"),
    ("java", "1.8", "8"),
    ("java", "1.8.0_392", "8"),
    ("java", "8u392", "8"),
    ("java", "temurin-21.0.2+13.0.LTS", "21"),
    ("java", "17.0.2-tem", "17"),
    ("java", "openjdk@17", "17"),
    ("java", "openjdk64-17.0.2", "17"),
    ("java", "20", "21"),
    ("java", ">=11 <18", "17"),
    ("java", "99", None),
    ("rust", "1.70.0", "1.70"),
    ("rust", "1", "1"),
    ("rust", ">=1.60", "1"),
    ("rust", "stable", "1"),
    ("rust", "1.40", "1"),
    ("rust", "1.999", "1"),
    ("rust", "nightly", None),
]


@pytest.mark.parametrize(("language", "wanted", "version"), RESOLVED)
def test_what_people_write_becomes_a_published_version(language: str, wanted: str, version: str | None):
    assert versions.resolve(language, wanted) == version


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_published_version_is_found_by_its_own_name(language: str):
    assert [versions.resolve(language, tag) for tag in LANGUAGES[language].tags] == list(LANGUAGES[language].tags)
    assert LANGUAGES[language].default in LANGUAGES[language].tags


@pytest.mark.parametrize(
    ("version", "wanted", "fits"),
    [
        ("3.11.7", "^3.9", True),
        ("3.11.7", ">=3.12", False),
        ("3.11.7", "3.11", True),
        ("3.11.7", "3.11.9", False),
        ("3.11.7", "", True),
        ("3.11.7", "latest", True),
        ("3.10.1", "~3.9 || ~3.10", True),
    ],
)
def test_whether_a_python_on_this_machine_will_do(version: str, wanted: str, fits: bool):
    assert versions.allows("python", version, wanted) is fits


RANGES = [
    ((18,), "^18.2.0", True),
    ((18,), "^20", False),
    ((20,), ">=18.17", True),
    ((18,), ">=18.17", True),
    ((18,), ">18", False),
    ((18,), ">18.2", True),
    ((18,), "<18", False),
    ((18,), "<18.5", True),
    ((18,), "<=18", True),
    ((20,), "18 - 22", True),
    ((23,), "18 - 22", False),
    ((1, 4), "1.2 - 1.4", True),
    ((1, 5), "~1.4", False),
    ((1, 4), "~1.4.2", True),
    ((0, 3), "^0.3.1", True),
    ((0, 4), "^0.3.1", False),
    ((20,), "18 || 20", True),
    ((20,), "18 || >=22", False),
    ((20,), "20.x.x", True),
    ((20,), "*", True),
    ((20,), "", True),
    ((20,), ">=18.0.0 <21.0.0", True),
    ((20,), ">= 18, < 20", False),
    ((20,), "<20.0.0", False),
    ((20,), "<20.1", True),
    ((1, 4), "<1.4", False),
    ((20,), "v20.1.0-rc.1", True),
    ((20,), "=20", True),
    ((21,), "<21.0.0", False),
    ((1, 15), "<1.15.0", False),
    ((1, 15), "<1.15.1", True),
]


@pytest.mark.parametrize(("version", "wanted", "fits"), RANGES)
def test_ranges_mean_what_npm_says(version: tuple[int, ...], wanted: str, fits: bool):
    assert ranges.fits(version, wanted) is fits


@pytest.mark.parametrize(
    ("wanted", "npm"),
    [
        ("~> 3.2", ">=3.2 <4"),
        ("~> 3.2.1", ">=3.2.1 <3.3"),
        ("~8", ">=8 <9"),
        (">= 3.1 != 3.1.4", ">= 3.1"),
        ("~> 1.14 or ~> 1.16.0", ">=1.14 <2 || >=1.16.0 <1.17"),
        ("^7.4|^8.0@stable", "^7.4||^8.0"),
    ],
)
def test_ranges_of_ruby_elixir_and_composer_are_written_as_npm_does(wanted: str, npm: str):
    assert ranges.pessimistic(wanted) == npm


@pytest.mark.parametrize("wanted", ["abc", ">=", "20 and more", "^"])
def test_a_range_that_cannot_be_read_is_no_guess(wanted: str):
    with pytest.raises(ValueError, match="range"):
        ranges.fits((20,), wanted)


def chosen(files: dict[str, str] | None = None, *, own: str = "", manifest: str = "", **variables: str) -> versions.Resolved:
    said = {"own": [Wanted(own, ".python-version")] if own else [], "manifests": [Wanted(manifest, "pyproject.toml")] if manifest else []}
    return versions.choose("python", Source(files or {}), **said, variables=variables)


def test_the_order_of_places_and_what_each_beats():
    files = {".tool-versions": "nodejs 20\npython 3.10 3.9 # old\n", ".mise.toml": "[tools]\npython = ['3.11']\n"}
    found = chosen(
        files, own="3.12", manifest=">=3.9", RW_BUILD_PYTHON_VERSION="3.14", NIXPACKS_PYTHON_VERSION="3.13", RAILPACK_PYTHON_VERSION="3.12"
    )
    assert (found.version, found.origin.source) == ("3.14", "RW_BUILD_PYTHON_VERSION")
    places = [(one.source, one.value) for one in found.origin.beat]
    assert places == [
        ("NIXPACKS_PYTHON_VERSION", "3.13"),
        ("RAILPACK_PYTHON_VERSION", "3.12"),
        (".python-version", "3.12"),
        (".tool-versions", "3.10"),
        (".mise.toml", "3.11"),
        ("pyproject.toml", ">=3.9"),
    ]


def test_places_that_disagree_are_told_and_those_that_agree_are_not():
    assert [one.message for one in chosen(own="3.12", manifest=">=3.13").notices] == [
        ".python-version says python 3.12, pyproject.toml says >=3.13."
    ]
    assert chosen(own="3.12", manifest=">=3.9").notices == ()


def test_a_version_that_nobody_publishes_is_told_and_the_next_place_asked():
    found = chosen(own="2.7", manifest=">=3.9,<3.12")
    assert (found.version, found.origin.source, found.allowed) == ("3.11", "pyproject.toml", ">=3.9,<3.12")
    assert [one.code for one in found.notices] == ["VERSION_UNKNOWN"]


def test_without_a_word_the_default_is_used_and_any_version_will_do():
    assert (chosen().version, chosen().allowed, chosen().origin.source) == ("3.13", "", "default")


@pytest.mark.parametrize(("wanted", "allowed"), [("^3.9", ">=3.9,<4"), ("~3.11", ">=3.11,<3.12"), ("3.12.4", "3.12.4"), ("*", "")])
def test_what_tools_are_asked_for_is_in_their_words(wanted: str, allowed: str):
    assert chosen(manifest=wanted).allowed == allowed
