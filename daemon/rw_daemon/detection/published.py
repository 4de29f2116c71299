"""What is published of each language: the tags of its official image, the one that is taken when nobody asks, its names elsewhere.

Planning is offline, so the table has a date. A tag is as precise as images are named (``3.13``, ``22``); the newest stands last.
"""

from __future__ import annotations

from dataclasses import dataclass

TABLE_DATE = "2026-11-01"


@dataclass(frozen=True)
class Language:
    """One language.

    :param tags: published versions, the newest last.
    :param default: the one that is taken where nothing is said, and preferred where it fits a range.
    :param tool_names: what ``.tool-versions`` and ``mise.toml`` call it.
    :param variable_names: what ``RW_BUILD_*_VERSION`` and its kin call it; the language's own name where nothing is given.
    :param newer_will_do: a newer one builds what an older one was asked for: so the next one is taken where the exact one is not
        published, and a machine's newer one is as good.
    """

    tags: tuple[str, ...]
    default: str
    tool_names: tuple[str, ...]
    variable_names: tuple[str, ...] = ()
    newer_will_do: bool = False


CRYSTAL = ("1.10.1", "1.11.2", "1.12.2", "1.13.3", "1.14.0", "1.14.1", "1.15.1", "1.16.3", "1.17.1", "1.18.2")

LANGUAGES: dict[str, Language] = {
    "bun": Language(("1",), "1", ("bun",)),
    "crystal": Language(CRYSTAL, "1.14.1", ("crystal",)),
    "dart": Language(("2", "3"), "3", ("dart",)),
    "deno": Language(("1", "2"), "2", ("deno",)),
    "dotnet": Language(("6.0", "7.0", "8.0", "9.0", "10.0"), "9.0", ("dotnet", "dotnet-core"), ("DOTNET", "CSHARP_SDK", "FSHARP_SDK")),
    "elixir": Language(tuple(f"1.{minor}" for minor in range(9, 20)), "1.18", ("elixir",)),
    "gleam": Language(
        ("1.6.3", "1.7.0", "1.8.1", "1.9.1", "1.10.0", "1.11.1", "1.12.0", "1.13.0", "1.14.0", "1.15.4", "1.16.0", "1.18.1"),
        "1.18.1",
        ("gleam",),
    ),
    "go": Language(("1.21", "1.22", "1.23", "1.24", "1.25"), "1.24", ("golang", "go"), newer_will_do=True),
    "haskell": Language(("8", "9"), "9", ("haskell", "ghc"), ("HASKELL", "GHC")),
    "java": Language(("8", "11", "17", "21", "25"), "21", ("java",), ("JAVA", "JDK"), newer_will_do=True),
    "node": Language(("16", "18", "20", "22", "24", "26"), "22", ("nodejs", "node")),
    "php": Language(("7.4", "8.0", "8.1", "8.2", "8.3", "8.4", "8.5"), "8.4", ("php",)),
    "python": Language(("3.8", "3.9", "3.10", "3.11", "3.12", "3.13", "3.14"), "3.13", ("python",)),
    "ruby": Language(("2.6", "2.7", "3.0", "3.1", "3.2", "3.3", "3.4", "4.0"), "3.3", ("ruby",)),
    # 1 is the newest: libraries soon ask for it, and it builds what any older one did
    "rust": Language((*(f"1.{minor}" for minor in range(56, 96)), "1"), "1", ("rust",), newer_will_do=True),
    "swift": Language(("5.4", "5.5", "5.6", "5.7", "5.8", "5.9", "5.10", "6.0", "6.1", "6.2"), "6.2", ("swift",), newer_will_do=True),
    "zig": Language(("0.11.0", "0.12.0", "0.12.1", "0.13.0", "0.14.0", "0.14.1", "0.15.1", "0.15.2"), "0.15.2", ("zig",)),
}
