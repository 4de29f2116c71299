"""What is made of the last lines of a failing build or app."""

from __future__ import annotations

import re

import pytest

from rw_daemon.builds.causes import ROWS, likely

SEEN = {
    "ModuleNotFoundError: No module named 'requests.adapters'": "package requests is not",
    "ImportError: cannot import name 'url_quote' from 'werkzeug.urls' (/x.py)": "werkzeug.urls has no url_quote",
    "KeyError: 'DATABASE_URL'": "variable DATABASE_URL",
    "django.core.exceptions.ImproperlyConfigured: The SECRET_KEY setting must not be empty.": "SECRET_KEY",
    "django.core.exceptions.DisallowedHost: Invalid HTTP_HOST header: 'web.x.localhost:8080'.": "does not know the name",
    "django.db.utils.OperationalError: no such table: shop_item": "table shop_item",
    'psycopg.errors.UndefinedTable: relation "users" does not exist': "table users",
    "Failed to find attribute 'application' in 'wsgi'.": "module wsgi has no application",
    'ERROR:    Error loading ASGI app. Attribute "app" not found in module "main".': 'Attribute "app"',
    "Error: Cannot find module './dist/index.js'": "file ./dist/index.js",
    "Error: Cannot find module 'express'": "npm package express",
    'npm error Missing script: "start"': "no script start",
    "SyntaxError: Cannot use import statement outside a module": "module, and Node",
    "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory": "heap",
    'error next@15.0.0: The engine "node" is incompatible with this module.': "another version of Node",
    "npm error `npm ci` can only install packages when your package.json and package-lock.json are in sync.": "lock file differ",
    "ERR_PNPM_OUTDATED_LOCKFILE  Cannot install with frozen-lockfile": "lock file differ",
    "error: The lockfile at `uv.lock` needs to be updated, but `--locked` was provided.": "older than pyproject",
    "  × No solution found when resolving dependencies:": "contradict",
    "npm error code E404": "not in the registry",
    "main.go:4:2: missing go.sum entry for module providing package example.com/x": "go.sum",
    "go: go.mod requires go >= 1.25 (running go 1.24.1)": "wants Go 1.25",
    "error: cannot update the lock file /app/Cargo.lock because --locked was passed to prevent this": "lock file differ",
    "    rocket@0.5.2 requires rustc 1.89": "wants Rust 1.89",
    "error: failed to run custom build command for `openssl-sys v0.9.118`": "crate openssl-sys",
    "[ERROR] Fatal error compiling: error: invalid target release: 99 -> [Help 1]": "for Java 99",
    "[ERROR] Could not find artifact com.google.code.gson:gson:jar:2.99.0 in central -> [Help 1]": "no com.google.code.gson:gson:jar:2.99.0",
    "Error: Could not find or load main class a.B": "class a.B",
    "no main manifest attribute, in app.jar": "app.jar does not say",
    "Error: connect ECONNREFUSED 127.0.0.1:5432": "PostgreSQL",
    "redis.exceptions.ConnectionError: Error 111 connecting to localhost:6379. Connection refused, port 6379": "Redis",
    "pymongo.errors.ServerSelectionTimeoutError: localhost: Connection refused 27017": "No database",
    'FATAL:  password authentication failed for user "app"': "password of app",
    "Error: listen EADDRINUSE: address already in use :::3000": "port is taken",
    "Error: listen EACCES: permission denied 0.0.0.0:80": "below 1024",
    "exec /app/server: exec format error": "another processor",
    "./server: /lib/x86_64-linux-gnu/libc.so.6: version `GLIBC_2.38' not found": "newer system",
    "ImportError: error while loading shared libraries: libpq.so.5: cannot open shared object file": "libpq.so.5",
    "sh: 1: gunicorn: not found": "program gunicorn",
    "OSError: [Errno 30] Read-only file system: '/data'": "nothing can be written",
    "PermissionError: [Errno 13] Permission denied: '/data/x'": "write /data/x",
}


@pytest.mark.parametrize(("line", "words"), SEEN.items())
def test_what_was_seen_is_known(line: str, words: str) -> None:
    found = likely(["something before", line])
    assert found
    assert words in found.text
    assert found.hint
    assert "{" not in found.text + found.hint


def test_every_row_was_seen() -> None:
    unseen = [pattern for pattern, _, _ in ROWS if not any(re.search(pattern, line) for line in SEEN)]
    assert unseen == []


def test_the_newest_line_decides_and_ordinary_lines_mean_nothing() -> None:
    assert likely(["KeyError: 'FIRST_ONE'", "KeyError: 'LAST_ONE'", "bye"]).text.startswith("The app wants the variable LAST_ONE")  # type: ignore[union-attr]
    assert likely(["listening on 8080", "GET / 200", "KeyError: 'name'"]) is None
    assert likely([]) is None
