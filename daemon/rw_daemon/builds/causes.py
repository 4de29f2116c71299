"""The likely cause of what a failing build or app printed last: a table. Pure.

Each row: what is looked for in a line, the cause in words, what to type. ``{0}``, ``{1}`` are the parts that the pattern catches. The
newest line that fits decides, among rows the first: the more particular ones stand before the general.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple


class Cause(NamedTuple):
    """What probably happened, and what to do about it."""

    text: str
    hint: str


ROWS: tuple[tuple[str, str, str], ...] = (
    # Python
    (r"ModuleNotFoundError: No module named '([\w]+)[\w.]*'", "The Python package {0} is not installed.", "Add it to the requirements."),
    (
        r"ImportError: cannot import name '(\w+)' from '([\w.]+)'",
        "{1} has no {0}: another version of it is installed than the code was written for.",
        "Name the version in the requirements.",
    ),
    (
        r"KeyError: '([A-Z][A-Z0-9_]{2,})'",
        "The app wants the variable {0}, which is not set.",
        "Set it: a line `{0} = \"…\"` below [variables] in railway.toml.",
    ),
    (r"ImproperlyConfigured: .*SECRET_KEY", "Django has no SECRET_KEY.", "Set it below [variables] in railway.toml."),
    (r"DisallowedHost|Invalid HTTP_HOST header", "Django does not know the name it is asked by.", "Add \".localhost\" to ALLOWED_HOSTS."),
    (r"OperationalError: no such table: (\S+)", "The table {0} is not there.", "Run the migrations: deploy.preDeployCommand."),
    (r"relation \"(\S+)\" does not exist", "The table {0} is not there.", "Run the migrations: deploy.preDeployCommand."),
    (r"Failed to find attribute '(\w+)' in '(\w+)'", "The module {1} has no {0}.", "Correct the start command: MODULE:NAME."),
    (r"Error loading ASGI app\. (.+)", "The server finds no app: {0}", "Correct the start command: MODULE:NAME."),
    # Node
    (r"Error: Cannot find module '([./][^']*)'", "The file {0} is not in the image.", "Build it first (build.buildCommand), or correct the path."),
    (r"Error: Cannot find module '([^']+)'", "The npm package {0} is not installed.", "Add it to dependencies: what is in devDependencies may be left out."),
    (r"Missing script: \"?([\w:-]+)\"?", "package.json has no script {0}.", "Add it, or set deploy.startCommand."),
    (r"Cannot use import statement outside a module", "The file is a module, and Node was not told.", "Set \"type\": \"module\" in package.json."),
    (r"(?:JavaScript heap out of memory|Reached heap limit)", "Node ran out of its heap.", "Set NODE_OPTIONS=--max-old-space-size=2048."),
    (r"EBADENGINE|The engine \"node\" is incompatible", "A package wants another version of Node.", "Set engines.node in package.json."),
    (r"npm (?:error|ERR!).*(?:can only install packages when|are in sync)", "package.json and its lock file differ.", "Run `npm install` and commit the lock file."),
    (r"ERR_PNPM_OUTDATED_LOCKFILE", "package.json and its lock file differ.", "Run `pnpm install` and commit the lock file."),
    (r"lockfile.*needs to be updated", "The lock file is older than pyproject.toml.", "Run `uv lock` and commit the lock file."),
    (r"No solution found when resolving dependencies", "The requirements contradict each other, or name what there is not.", "The lines above say which."),
    (r"npm (?:error|ERR!) code E404", "A package is not in the registry.", "Correct its name, or give npm access to your own registry."),
    # Go
    (r"missing go\.sum entry", "go.sum does not know a module.", "Run `go mod tidy` and commit go.sum."),
    (r"go: .*requires go >= ([\d.]+)", "A module wants Go {0}.", "Set `go {0}` in go.mod."),
    # Rust
    (r"(?:cannot update the|the) lock file \S*Cargo\.lock", "Cargo.toml and its lock file differ.", "Run `cargo update --workspace` and commit Cargo.lock."),
    (r"requires rustc ([\d.]+)", "A library wants Rust {0}.", "Take an older version of it, or set {0} in rust-toolchain.toml."),
    (r"failed to run custom build command for `([\w-]+) ", "The crate {0} could not be prepared: most often a system library is missing.", "Name its Debian packages in RW_BUILD_APT_PACKAGES."),
    # Java
    (r"(?:invalid (?:target|source) release:|release version) (\d+)", "The code is for Java {0}, and the JDK is older.", "Write {0} into .java-version."),
    (r"Could not find artifact (\S+) in", "Maven finds no {0}.", "Correct its version, or add its repository to pom.xml."),
    (r"Could not find or load main class (\S+)", "There is no class {0}.", "Correct mainClass in the build file, or the start command."),
    (r"no main manifest attribute, in (\S+)", "{0} does not say which class starts.", "Name the mainClass of the plugin that packs it."),
    # databases and other services
    (r"(?:ECONNREFUSED|[Cc]onnection refused).*\b5432\b", "No PostgreSQL answers where the app looks for it.", "Check DATABASE_URL."),
    (r"(?:ECONNREFUSED|[Cc]onnection refused).*\b6379\b", "No Redis answers where the app looks for it.", "Check REDIS_URL."),
    (r"(?:ECONNREFUSED|[Cc]onnection refused).*\b(?:3306|27017)\b", "No database answers where the app looks for it.", "Check its address."),
    (r"password authentication failed for user \"(\S+)\"", "The database refuses the password of {0}.", "Check DATABASE_URL."),
    # the system
    (r"EADDRINUSE|[Aa]ddress already in use", "The port is taken: the app does not listen on $PORT, or starts twice.", "Listen on $PORT."),
    (r"EACCES.*:(\d{1,3})\b|bind.*[Pp]ermission denied", "A port below 1024 needs rights that an app does not get.", "Listen on $PORT."),
    (r"exec format error", "The program is for another processor.", "Build it for this machine."),
    (r"GLIBC_[\d.]+' not found", "The program was built against a newer system than the image's.", "Build it in the image."),
    (r"error while loading shared libraries: (\S+?):", "The library {0} is not in the image.", "Name its package: RW_BUILD_RUNTIME_APT_PACKAGES."),
    (r"(?:sh|bash): (?:\d+: |line \d+: )?([\w./-]+): (?:command )?not found", "The program {0} is not in the image.", "Install it, or correct the command."),
    (r"EROFS|[Rr]ead-only file system", "It writes where nothing can be written.", "Write below the app's folder, or to /tmp."),
    (r"PermissionError: .*Permission denied: '([^']+)'", "It may not write {0}.", "Write below the app's folder, or to /tmp."),
)  # fmt: skip
COMPILED = tuple((re.compile(pattern), text, hint) for pattern, text, hint in ROWS)
LONGEST = 2000
"""Characters of a line that are looked at: a pattern is not let loose on a minified file."""


def likely(lines: Iterable[str]) -> Cause | None:
    """Return the likely cause; ``None`` when no line is known."""
    for line in reversed(list(lines)):
        for pattern, text, hint in COMPILED:
            if found := pattern.search(line[:LONGEST]):
                parts = [part or "" for part in found.groups()]
                return Cause(text.format(*parts), hint.format(*parts))
    return None
