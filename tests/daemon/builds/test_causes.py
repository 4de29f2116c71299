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
    "ModuleNotFoundError: No module named 'shop.wsgi'": "no wsgi.py in shop",
    "No module named 'shopp'": "no module shopp",
    "django.core.exceptions.ImproperlyConfigured: Requested setting LOGGING_CONFIG, but settings are not configured. You must either define"
    " the environment variable DJANGO_SETTINGS_MODULE or call settings.configure() before accessing settings.": "where its settings are",
    "django.core.exceptions.ImproperlyConfigured: You're using the staticfiles app without having set the STATIC_ROOT setting to a"
    " filesystem path.": "where to collect",
    "ValueError: Missing staticfiles manifest entry for 'css/site.css'": "static file",
    "Failed to find attribute 'app' in 'shop.wsgi'.": "shop.wsgi has no app",
    "         Error: pg_config executable not found.": "headers of PostgreSQL",
    "         Exception: Can not find valid pkg-config name.": "headers of MySQL",
    "src/ext.c:3:10: fatal error: yaml.h: No such file or directory": "header yaml.h",
    "         Exception: you need a C compiler to build uWSGI": "no compiler",
    "error: command 'gcc' failed: No such file or directory": "no compiler",
    "  cause: Because nosuchpackage-zzq was not found in the package registry and you require nosuchpackage-zzq, we can conclude that your"
    " requirements are unsatisfiable.": "package nosuchpackage-zzq",
    "  cause: Git executable not found. Ensure that Git is installed and available.": "fetched with Git",
    "npm error syscall spawn git": "fetched with Git",
    "pyproject.toml changed significantly since poetry.lock was last generated. Run `poetry lock` to fix the lock file.": "lock file is older",
    "Your Pipfile.lock (8e6f2b) is out of date. Expected: (3a1f0c).": "older than the Pipfile",
    "Error: '$PORT' is not a valid port number.": "not filled in",
    "Error: Cannot find module @rollup/rollup-linux-x64-gnu. npm has a bug related to optional dependencies": "another system",
    'Error: Could not load the "sharp" module using the linux-x64 runtime': "sharp",
    'Error: @prisma/client did not initialize yet. Please run "prisma generate" and try to import it again.': "Prisma's client",
    "Error: Could not find Chrome (ver. 131.0.6778.204). This can occur if either": "browser",
    "Error: Could not find a production build in the '.next' directory. Try building your app with 'next build'": ".next is not there",
    "[NoAdapterInstalled] Cannot use server-rendered pages without an adapter.": "no adapter",
    "Could not detect a supported production environment. See https://svelte.dev/docs/kit/adapters": "SvelteKit",
    "Error [ERR_MODULE_NOT_FOUND]: Cannot find module '/app/nofile' imported from /app/o.js": "file nofile",
    "Error [ERR_MODULE_NOT_FOUND]: Cannot find package 'hono' imported from /app/a.mjs": "npm package hono",
    "ReferenceError: require is not defined in ES module scope, you can use import instead": "written as CommonJS",
    "Error [ERR_REQUIRE_ASYNC_MODULE]: require() cannot be used on an ESM graph with top-level await. Use import() instead.": "is a module",
    "SyntaxError: The requested module './m.js' does not provide an export named 'c'": "./m.js has no c",
    "You are using Node.js 18.20.4. Vite requires Node.js version 20.19+ or 22.12+. Please upgrade your Node.js version.": "newer Node",
    "Error: error:0308010C:digital envelope routines::unsupported": "old bundler",
    " ERR_PNPM_UNSUPPORTED_ENGINE  Unsupported environment (bad pnpm and/or Node.js version)": "another version of Node or pnpm",
    " ERR_PNPM_LOCKFILE_BREAKING_CHANGE  Lockfile /app/pnpm-lock.yaml not compatible with current pnpm": "another pnpm",
    "npm error Conflicting peer dependency: vite@8.3.8": "versions of vite@8.3.8",
    "npm error EBUSY: resource busy or locked, rmdir '/app/node_modules/.cache'": "kept between builds",
    "rm: cannot remove 'node_modules/.cache': Device or resource busy": "kept between builds",
    "error Your lockfile needs to be updated, but yarn was run with `--frozen-lockfile`.": "lock file differ",
    "error: lockfile had changes, but lockfile is frozen": "lock file differ",
    "Your Ruby version is 3.3.8, but your Gemfile specified 3.2.1": "wants Ruby 3.2.1",
    'Your bundle only supports platforms ["arm64-darwin-23"] but your local platform is x86_64-linux. Add the current platform': "another system",
    "The gemspecs for path gems changed, but the lockfile can't be updated because frozen mode is set": "Gemfile and its lock file",
    "ArgumentError: Missing `secret_key_base` for 'production' environment": "SECRET_KEY_BASE",
    "ActiveSupport::MessageEncryptor::InvalidMessage: ActiveSupport::MessageEncryptor::InvalidMessage": "credentials",
    "    - intervention/image 3.9.1 requires ext-gd * -> it is missing from your system.": "extension gd",
    "PDOException: could not find driver": "no driver",
    "Your lock file does not contain a compatible set of packages. Please run composer update.": "composer.json",
    "java.lang.UnsupportedClassVersionError: demo/App has been compiled by a more recent version of the Java Runtime (class file version 69.0)": "newer Java",
    "java.lang.OutOfMemoryError: Java heap space": "Java ran out",
    "Error: getaddrinfo ENOTFOUND postgres-nowhere": "called postgres-nowhere",
    "error: Environment variable not found: DATABASE_URL.": "variable DATABASE_URL",
    "(RuntimeError) environment variable SECRET_KEY is missing.": "variable SECRET_KEY",
    "g++: fatal error: Killed signal terminated program cc1plus": "want of memory",
    "Killed": "want of memory",
    "MemoryError": "want of memory",
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
