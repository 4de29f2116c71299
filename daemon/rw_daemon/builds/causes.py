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
    (r"(?:ModuleNotFoundError: )?No module named '([\w.]+)\.([wa]sgi)'", "There is no {1}.py in {0}.", "Correct the start command: PROJECT.{1}, where PROJECT is the folder with settings.py."),
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
    (r"^No module named '([\w.]+)'$", "There is no module {0}.", "Correct the start command: MODULE:NAME."),
    (r"DJANGO_SETTINGS_MODULE|settings are not configured", "Django is not told where its settings are.", "Set it: a line `DJANGO_SETTINGS_MODULE = \"PROJECT.settings\"` below [variables] in railway.toml."),
    (r"without having set the STATIC_ROOT", "Django does not know where to collect static files.", "Add `STATIC_ROOT = BASE_DIR / \"staticfiles\"` to the settings."),
    (r"Missing staticfiles manifest entry for '(\S+)'", "A static file that a page names was not collected.", "Set RW_BUILD_BUILD_CMD to `python manage.py collectstatic --noinput`."),
    (r"ImproperlyConfigured: .*SECRET_KEY", "Django has no SECRET_KEY.", "Set it below [variables] in railway.toml."),
    (r"DisallowedHost|Invalid HTTP_HOST header", "Django does not know the name it is asked by.", "Add \".localhost\" to ALLOWED_HOSTS."),
    (r"OperationalError: no such table: (\S+)", "The table {0} is not there.", "Run the migrations: deploy.preDeployCommand."),
    (r"relation \"(\S+)\" does not exist", "The table {0} is not there.", "Run the migrations: deploy.preDeployCommand."),
    (r"Failed to find attribute '(\w+)' in '([\w.]+)'", "The module {1} has no {0}.", "Correct the start command: MODULE:NAME."),
    (r"Error loading ASGI app\. (.+)", "The server finds no app: {0}", "Correct the start command: MODULE:NAME."),
    (r"pg_config executable not found|libpq-fe\.h: No such file", "The headers of PostgreSQL are not there to compile its driver.", "Take psycopg2-binary, or set RW_BUILD_APT_PACKAGES to `... libpq-dev`."),
    (r"Can not find valid pkg-config name|mysql\.h: No such file", "The headers of MySQL are not there to compile its driver.", "Set RW_BUILD_APT_PACKAGES to `... gcc libc6-dev pkg-config default-libmysqlclient-dev`."),
    (r"fatal error: (\S+\.h): No such file or directory", "The header {0} is not there to compile against.", "Name the Debian package that has it: RW_BUILD_APT_PACKAGES."),
    (r"[Cc]ommand '?(?:gcc|cc|x86_64-linux-gnu-gcc|g\+\+)'? failed: No such file|need a C compiler|no acceptable C compiler", "A package has to be compiled, and no compiler is there.", "Set RW_BUILD_APT_PACKAGES to `... gcc libc6-dev`."),
    (r"Because ([\w.\[\]-]+) was not found in the package registry", "The package {0} is not in the registry.", "Correct its name, or name your own index: UV_INDEX_URL."),
    (r"Git executable not found|syscall spawn git|spawn git ENOENT", "A package is fetched with Git, which is not in the image.", "Set RW_BUILD_APT_PACKAGES to `... git`."),
    (r"[Pp]oetry\.lock (?:was last generated|is not up to date)", "The lock file is older than pyproject.toml.", "Run `poetry lock` and commit the lock file."),
    (r"Your Pipfile\.lock \(\w+\) is out of date", "The lock file is older than the Pipfile.", "Run `pipenv lock` and commit the lock file."),
    (r"'?\$PORT'? is not a valid (?:port number|integer)", "The port's variable is not filled in.", "Start it through a shell: `sh -c \"…\"`, or write the command in deploy.startCommand."),
    # Node
    (r"Cannot find module @rollup/rollup-(\S+?)\.? npm has a bug", "The lock file was made on another system, and leaves out a part for this one.", "Remove package-lock.json and node_modules, run `npm install`, and commit the lock file."),
    (r"Could not load the \"sharp\" module", "sharp was installed for another system.", "Run `npm install --os=linux --cpu=x64 sharp` and commit the lock file."),
    (r"did not initialize yet.*prisma generate|Prisma Client could not locate the Query Engine", "Prisma's client was not generated for this image.", "Put `prisma generate &&` in front of the build script."),
    (r"Could not find (?:Chrome|Chromium) \(|Executable doesn't exist at .*(?:chrom|headless)", "The browser is not in the image.", "Set RW_BUILD_BROWSER to 1."),
    (r"Could not find a production build in the '([^']+)'", "Next has not built: {0} is not there.", "Add the script build to package.json: `next build`."),
    (r"NoAdapterInstalled|Cannot use server-rendered pages without an adapter", "Astro renders pages on a server, and has no adapter for one.", "Run `npx astro add node` and commit what it changes."),
    (r"Could not detect a supported production environment", "SvelteKit does not know what to build for.", "Install @sveltejs/adapter-node and name it in svelte.config.js."),
    (r"\[ERR_MODULE_NOT_FOUND\]: Cannot find module '(?:/app/)?([^']+)' imported from", "The file {0} is not there: an import of a module needs the whole name, with its suffix.", "Write the suffix in the import (`./x.js`), or set moduleResolution to NodeNext."),
    (r"\[ERR_MODULE_NOT_FOUND\]: Cannot find package '([^']+)'", "The npm package {0} is not installed.", "Add it to dependencies: what is in devDependencies may be left out."),
    (r"Error: Cannot find module '([./][^']*)'", "The file {0} is not in the image.", "Build it first (build.buildCommand), or correct the path."),
    (r"Error: Cannot find module '([^']+)'", "The npm package {0} is not installed.", "Add it to dependencies: what is in devDependencies may be left out."),
    (r"Missing script: \"?([\w:-]+)\"?", "package.json has no script {0}.", "Add it, or set deploy.startCommand."),
    (r"(?:require|exports|module|__dirname) is not defined in ES module scope", "The file is a module by package.json, and is written as CommonJS.", "Rename it to .cjs, or remove \"type\": \"module\" from package.json."),
    (r"ERR_REQUIRE_ESM|ERR_REQUIRE_ASYNC_MODULE|ERR_AMBIGUOUS_MODULE_SYNTAX|require\(\) of ES Module", "CommonJS requires a package that is a module.", "Load it by `await import(…)`, or set \"type\": \"module\" in package.json."),
    (r"The requested module '([^']+)' does not provide an export named '([^']+)'", "{0} has no {1} to import.", "Import its default, or take the version of it that the code was written for."),
    (r"Cannot use import statement outside a module", "The file is a module, and Node was not told.", "Set \"type\": \"module\" in package.json."),
    (r"(?:JavaScript heap out of memory|Reached heap limit)", "Node ran out of its heap.", "Set NODE_OPTIONS=--max-old-space-size=2048."),
    (r"EBADENGINE|The engine \"node\" is incompatible", "A package wants another version of Node.", "Set engines.node in package.json."),
    (r"(?:You are using|Found) Node\.js v?[\d.]+.*(?:requires Node\.js version|requires at least|or newer)", "A tool wants a newer Node.", "Set engines.node in package.json."),
    (r"0308010C:digital envelope|ERR_OSSL_EVP_UNSUPPORTED", "An old bundler uses a hash that Node has dropped since 17.", "Set NODE_OPTIONS to --openssl-legacy-provider, or update the bundler."),
    (r"ERR_PNPM_(?:UNSUPPORTED_ENGINE|BAD_PM_VERSION)", "The project wants another version of Node or pnpm.", "Set engines.node and packageManager in package.json to what it needs."),
    (r"ERR_PNPM_LOCKFILE_BREAKING_CHANGE|not compatible with current pnpm", "The lock file was written by another pnpm.", "Set packageManager in package.json to the pnpm that wrote it."),
    (r"Conflicting peer dependency: (\S+)", "Two packages want different versions of {0}.", "Correct the versions, or write `legacy-peer-deps=true` into .npmrc."),
    (r"EBUSY: resource busy or locked|cannot remove '?\S*node_modules\S*: Device or resource busy", "It removes a folder that is kept between builds.", "Remove `npm ci` or `rm -rf node_modules` from the build command: packages are installed before it."),
    (r"npm (?:error|ERR!).*(?:can only install packages when|are in sync)", "package.json and its lock file differ.", "Run `npm install` and commit the lock file."),
    (r"Your lockfile needs to be updated, but yarn|YN0028|lockfile would have been (?:modified|created) by this install", "package.json and its lock file differ.", "Run `yarn install` and commit the lock file."),
    (r"lockfile had changes, but lockfile is frozen", "package.json and its lock file differ.", "Run `bun install` and commit the lock file."),
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
    # Ruby and PHP
    (r"Your Ruby version is ([\d.]+), but your Gemfile specified (\S+)", "The Gemfile wants Ruby {1}, and {0} is there.", "Write the version into .ruby-version."),
    (r"Your bundle only supports platforms .* but your local platform is ([\w-]+)", "Gemfile.lock was made for another system.", "Run `bundle lock --add-platform {0}` and commit the lock file."),
    (r"lockfile can't be updated because frozen mode is set|in frozen mode|deployment mode after changing", "Gemfile and its lock file differ.", "Run `bundle install` and commit the lock file."),
    (r"Missing `secret_key_base`|SECRET_KEY_BASE is missing", "The app has no SECRET_KEY_BASE.", "Set it below [variables] in railway.toml."),
    (r"MessageEncryptor::InvalidMessage|Missing encryption key to decrypt file", "Rails cannot read its credentials.", "Set RAILS_MASTER_KEY to what is in config/master.key."),
    (r"requires ext-(\w+) \*? ?-> it is missing|PHP extension ext-?(\w+) is missing", "The PHP extension {0}{1} is not installed.", "Add `\"ext-NAME\": \"*\"` to require in composer.json."),
    (r"PDOException.*could not find driver", "PHP has no driver for that database.", "Add ext-pdo_pgsql or ext-pdo_mysql to require in composer.json."),
    (r"lock file does not contain a compatible set of packages", "composer.json and its lock file differ.", "Run `composer update` and commit the lock file."),
    # Java
    (r"(?:invalid (?:target|source) release:|release version) (\d+)", "The code is for Java {0}, and the JDK is older.", "Write {0} into .java-version."),
    (r"UnsupportedClassVersionError.*class file version (\d+)", "The code was compiled for a newer Java than the one that runs it.", "Write the version that compiled it into .java-version."),
    (r"Could not find artifact (\S+) in", "Maven finds no {0}.", "Correct its version, or add its repository to pom.xml."),
    (r"Could not find or load main class (\S+)", "There is no class {0}.", "Correct mainClass in the build file, or the start command."),
    (r"no main manifest attribute, in (\S+)", "{0} does not say which class starts.", "Name the mainClass of the plugin that packs it."),
    (r"java\.lang\.OutOfMemoryError", "Java ran out of its memory.", "Set JAVA_OPTS to -Xmx512m or more, and raise deploy.limitOverride.containers.memoryBytes."),
    # databases and other services
    (r"(?:ECONNREFUSED|[Cc]onnection refused).*\b5432\b", "No PostgreSQL answers where the app looks for it.", "Check DATABASE_URL."),
    (r"(?:ECONNREFUSED|[Cc]onnection refused).*\b6379\b", "No Redis answers where the app looks for it.", "Check REDIS_URL."),
    (r"(?:ECONNREFUSED|[Cc]onnection refused).*\b(?:3306|27017)\b", "No database answers where the app looks for it.", "Check its address."),
    (r"getaddrinfo (?:ENOTFOUND|EAI_AGAIN) ([\w-]+)$|could not translate host name \"([\w.-]+)\"", "No service of this project is called {0}{1}.", "Write the address as a reference to the other service's variable."),
    (r"Environment variable not found: (\w+)|[Mm]issing (?:required )?environment variable:? [\"'`]?([A-Z][A-Z0-9_]+)|environment variable ([A-Z][A-Z0-9_]+) is missing", "The app wants the variable {0}{1}{2}, which is not set.", "Set it below [variables] in railway.toml."),
    (r"password authentication failed for user \"(\S+)\"", "The database refuses the password of {0}.", "Check DATABASE_URL."),
    # the system
    (r"EADDRINUSE|[Aa]ddress already in use", "The port is taken: the app does not listen on $PORT, or starts twice.", "Listen on $PORT."),
    (r"EACCES.*:(\d{1,3})\b|bind.*[Pp]ermission denied", "A port below 1024 needs rights that an app does not get.", "Listen on $PORT."),
    (r"signal: 9, SIGKILL|Killed signal terminated program|^Killed$|exit code:? 137|MemoryError$", "It was killed, most likely for want of memory.", "Give the engine more memory, or build with fewer jobs at a time."),
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
