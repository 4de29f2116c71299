"""PHP: Laravel, Symfony, whatever has a front controller, and folders of pages.

Served by one process that ``exec`` can start and SIGTERM can end, without root, on ``$HOST:$PORT``: so neither Apache nor a pair of nginx
and PHP-FPM. A project with Composer is an application and gets FrankenPHP, made for production: Caddy with PHP inside. A folder of pages
without Composer gets the server that PHP brings, with several workers; its manual calls it a server for developing because of what reaches
it from outside, and here only rw's edge does. ``RW_BUILD_PHP_SERVER`` chooses the other one.
"""

from __future__ import annotations

import posixpath
import shlex
from dataclasses import dataclass

from rw_daemon.detection import node_assets, php_extensions
from rw_daemon.detection.buildpack import Request
from rw_daemon.detection.composer import LOCK, NAME, Composer
from rw_daemon.detection.node_assets import Assets
from rw_daemon.detection.source import Source
from rw_daemon.detection.versions import Resolved, Wanted, choose
from rw_daemon.plans.plan import Bases, BuildPlan, Cache, Notice, Origin, ServicePlan, Step, Toolchain
from rw_shared.errors import ConfigInvalidError

INDEX = "index.php"
ROOTS = ("public", "web", "webroot", "htdocs", "www", "")
ROOT_OVERRIDES = ("RW_BUILD_PHP_ROOT_DIR", "NIXPACKS_PHP_ROOT_DIR", "RAILPACK_PHP_ROOT_DIR")
EXTENSION_OVERRIDES = ("RW_BUILD_PHP_EXTENSIONS", "RAILPACK_PHP_EXTENSIONS")
SKIP_MIGRATIONS = ("RW_BUILD_SKIP_MIGRATIONS", "RAILPACK_SKIP_MIGRATIONS")
SERVER = "RW_BUILD_PHP_SERVER"
CACHE = Cache(id="composer", path="/root/.composer/cache", variable="COMPOSER_CACHE_DIR")
COMPOSER = Toolchain(image="composer:2", path="/usr/bin/composer")
INSTALL = "composer install --no-dev --no-interaction --no-progress --prefer-dist"
FRANKENPHP_SINCE = (8, 2)
WORKERS = "4"
OTHER_SERVERS = ("nginx.conf", "nginx.template.conf")  # which nixpacks reads


@dataclass(frozen=True)
class Server:
    """What serves. ``image`` and ``start`` are filled with the version and the folder of pages."""

    name: str
    title: str
    image: str
    start: str
    tool: str
    environment: tuple[tuple[str, str], ...] = ()
    files: tuple[tuple[str, str], ...] = ()


FRANKENPHP = Server(
    "frankenphp",
    "FrankenPHP",
    "dunglas/frankenphp:1-php{}",
    "frankenphp php-server --listen $HOST:$PORT --root {}",
    "frankenphp",
    (("XDG_CONFIG_HOME", "/tmp"), ("XDG_DATA_HOME", "/tmp")),  # noqa: S108 -- where Caddy keeps what need not stay
)
ROUTER = ".rw-router.php"
# what configures is no content; everything else is found as the server finds it: a file, else the nearest index.php
ROUTER_TEXT = r"""<?php

$path = rawurldecode(strtok($_SERVER['REQUEST_URI'], '?'));
if (preg_match('#/\.(?!well-known/)|^/(Procfile|railway\.(toml|json)|composer\.(json|lock))$#', $path)) {
    http_response_code(404);
    return true;
}

return false;
"""
BUILT_IN = Server(
    "builtin",
    "PHP's own server",
    "php:{}-cli",
    f"php -S $HOST:$PORT -t {{}} {ROUTER}",
    "php",
    (("PHP_CLI_SERVER_WORKERS", WORKERS),),
    ((ROUTER, ROUTER_TEXT),),
)
SERVERS = {one.name: one for one in (FRANKENPHP, BUILT_IN)}


@dataclass(frozen=True)
class Framework:
    """What a framework adds.

    :param build: commands that need the sources and the packages.
    :param extensions: that it needs and no manifest names.
    :param files: generated files that it wants.
    """

    name: str = ""
    environment: tuple[tuple[str, str], ...] = ()
    build: tuple[str, ...] = ()
    pre_deploy: tuple[str, ...] = ()
    extensions: tuple[str, ...] = ()
    files: tuple[tuple[str, str], ...] = ()


class PhpBuildpack:
    """Detects composer.json, and index.php in the root or a folder of pages."""

    name = "php"
    recognises = f"PHP: {NAME}, or {INDEX} (in the root, {', '.join(f'{one}/' for one in ROOTS if one)})"
    looked_for = tuple(posixpath.join(folder, INDEX) for folder in ROOTS)
    programs = frozenset({"php", "composer", "frankenphp", "php-fpm", "artisan"})

    def detect(self, source: Source) -> str | None:
        """Return the file that proves a PHP project."""
        return source.first(NAME, *self.looked_for)

    def plan(self, request: Request) -> BuildPlan:
        """Describe extensions, packages, assets, and the server."""
        source, composer = request.source, Composer(request.source)
        own = [Wanted(source.text(".php-version").strip(), ".php-version")]
        version = choose("php", source, own=own, manifests=composer.versions(), variables=request.variables)
        server, notices = _server(request, composer, version)
        (root, place), framework, assets = _root(request), _framework(request, composer), node_assets.find(request)
        extensions = php_extensions.wanted({*composer.extensions, *framework.extensions, *_said_extensions(request)})
        start = server.start.format(shlex.quote(root or ".")) if place else ""
        base = server.image.format(version.version)
        return BuildPlan(
            buildpack=self.name,
            version=version.version,
            package_manager="composer" if composer.is_there else "",
            framework=framework.name,
            bases=Bases(build=base, run=base),
            toolchains=((COMPOSER,) if composer.is_there else ()) + ((assets.toolchain,) if assets else ()),
            steps=_steps(composer, framework, assets, extensions),
            packages=php_extensions.packages(extensions).model_copy(update=_unpackers(composer, extensions)),
            services=(ServicePlan(name="web", start=start, pre_deploy=framework.pre_deploy),),
            tools={"php": version.allowed, **_tools(composer, assets), **({} if server is BUILT_IN else {server.tool: ""})},
            environment=_environment(composer, framework, server),
            keep=(".", *(php_extensions.FOLDERS if extensions else ())),
            files={**dict(server.files), **dict(framework.files)},
            origins=_origins(composer, version, (root, place), start),
            warnings=(*version.notices, *notices, *_unused(source, server), *(assets.version.notices if assets else ())),
        )


def _origins(composer: Composer, version: Resolved, root: tuple[str, str], start: str) -> dict[str, Origin]:
    said = {"version": version.origin}
    if composer.is_there:
        said["packageManager"] = _origin("composer", LOCK if composer.source.has(LOCK) else NAME)
    if start:
        said |= {"root": _origin(root[0] or ".", root[1]), "start": _origin(start, root[1])}
    return said


def _origin(value: str, source: str) -> Origin:
    return Origin.model_validate({"value": value, "from": source})


def _said(request: Request, names: tuple[str, ...]) -> tuple[str, str]:
    return next(((request.variables[one], one) for one in names if request.variables.get(one, "").strip()), ("", ""))


def _tools(composer: Composer, assets: Assets | None) -> dict[str, str]:
    return ({"composer": ""} if composer.is_there else {}) | (assets.tools if assets else {})


def _environment(composer: Composer, framework: Framework, server: Server) -> dict[str, str]:
    allowed = {"COMPOSER_ALLOW_SUPERUSER": "1"} if composer.is_there else {}  # in the build there is no other user
    return dict(sorted({**allowed, **dict(framework.environment), **dict(server.environment)}.items()))


# --- what serves


def _server(request: Request, composer: Composer, version: Resolved) -> tuple[Server, tuple[Notice, ...]]:
    """Return the server, and a warning where the one for applications has no image of this PHP. ``ConfigInvalidError``: no such server."""
    said = request.variables.get(SERVER, "")
    if said and said not in SERVERS:
        raise ConfigInvalidError(SERVER, f"{said[:40]!r} is no server that rw knows.", hint=f"Set it to {' or '.join(SERVERS)}.")
    wanted = SERVERS[said] if said else FRANKENPHP if composer.is_there else BUILT_IN
    if wanted is FRANKENPHP and tuple(int(part) for part in version.version.split(".")) < FRANKENPHP_SINCE:
        words = f"FrankenPHP has no image of PHP {version.version}; PHP's own server is used, which is made for developing."
        return BUILT_IN, (Notice(code="SERVER_FOR_DEVELOPING", message=words, fix=f"Change {version.origin.source} to 8.2 or newer."),)
    return wanted, ()


def _unused(source: Source, server: Server) -> tuple[Notice, ...]:
    words, fix = "{} has no effect: {} serves, not nginx.", "Remove it, or write a Dockerfile that runs nginx."
    found = source.first(*OTHER_SERVERS)
    return (Notice(code="SERVER_CONFIG_UNUSED", message=words.format(found, server.title), fix=fix),) if found else ()


def _root(request: Request) -> tuple[str, str]:
    """Return the folder of pages and what names it; no place when there is none. ``ConfigInvalidError``: it is not there."""
    source, (said, name) = request.source, _said(request, ROOT_OVERRIDES)
    if said:
        folder = posixpath.normpath(said.removeprefix("/app").lstrip("/") or ".")
        if folder.startswith("..") or (folder != "." and not source.has_folder(folder)):
            raise ConfigInvalidError(name, f"the folder {said!r} is not there.")
        return ("" if folder == "." else folder), name
    index = source.first(*PhpBuildpack.looked_for)
    return (posixpath.dirname(index), index) if index else ("", "")


# --- frameworks


def _framework(request: Request, composer: Composer) -> Framework:
    source, packages = request.source, composer.packages
    if "laravel/framework" in packages and source.has("artisan"):
        return _laravel(request)
    if "symfony/framework-bundle" in packages and source.has("bin/console"):
        return _symfony(request, packages)
    if source.has("wp-load.php"):
        return Framework("WordPress", extensions=("exif", "gd", "intl", "mysqli", "opcache", "zip"))
    names = {"slim/slim": "Slim", "cakephp/cakephp": "CakePHP", "codeigniter4/framework": "CodeIgniter", "laravel/lumen-framework": "Lumen"}
    names |= {"yiisoft/yii2": "Yii", "drupal/core": "Drupal", "drupal/core-recommended": "Drupal"}
    return Framework(next((title for name, title in names.items() if name in packages), ""))


def _migrations(request: Request, folder: str, command: str) -> tuple[str, ...]:
    skipped = _said(request, SKIP_MIGRATIONS)[0] not in {"", "0", "false"}
    return () if skipped or not request.source.has_folder(folder) else (command,)


def _laravel(request: Request) -> Framework:
    """Return what Laravel wants. Its configuration is not cached in the build: it would keep the variables of the build."""
    return Framework(
        "Laravel",
        environment=(("APP_ENV", "production"), ("LOG_CHANNEL", "stderr")),
        build=("php artisan storage:link", *(("php artisan view:cache",) if request.source.has_folder("resources/views") else ())),
        pre_deploy=_migrations(request, "database/migrations", "php artisan migrate --force"),
        extensions=("bcmath", "intl", "opcache", "pcntl", "pdo_mysql", "pdo_pgsql", "zip"),
    )


def _symfony(request: Request, packages: frozenset[str]) -> Framework:
    build = ["php bin/console cache:clear"]
    build += ["php bin/console assets:install public"] if request.source.has_folder("public") else []
    build += ["php bin/console asset-map:compile"] if "symfony/asset-mapper" in packages else []
    doctrine = "doctrine/doctrine-migrations-bundle" in packages
    migrate = "php bin/console doctrine:migrations:migrate --no-interaction --allow-no-migration"
    return Framework(
        "Symfony",
        environment=(("APP_DEBUG", "0"), ("APP_ENV", "prod")),
        build=tuple(build),
        pre_deploy=_migrations(request, "migrations", migrate) if doctrine else (),
        extensions=("intl", "opcache", *(("pdo_mysql", "pdo_pgsql") if "doctrine/dbal" in packages or doctrine else ())),
        # its start fails without a .env, which is a secret and never part of a snapshot
        files=((".env.local.php", "<?php\n\nreturn ['APP_ENV' => 'prod'];\n"),) if not request.source.has(".env.local.php") else (),
    )


def _said_extensions(request: Request) -> list[str]:
    return _said(request, EXTENSION_OVERRIDES)[0].replace(",", " ").lower().split()


# --- what builds


def _unpackers(composer: Composer, extensions: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """Return the build's packages with what Composer unpacks and clones by."""
    if not composer.is_there:
        return {}
    return {"build": tuple(sorted({*php_extensions.packages(extensions).build, "git", "unzip"}))}


def _steps(composer: Composer, framework: Framework, assets: Assets | None, extensions: tuple[str, ...]) -> tuple[Step, ...]:
    steps, commands = [], []
    if extensions:
        steps.append(Step(name="extensions", commands=php_extensions.commands(extensions)))
    if composer.is_there:
        # its scripts call the app, which is not there yet
        install = f"{INSTALL} --no-scripts --no-autoloader"
        steps.append(Step(name="install", commands=(install,), inputs=composer.inputs(), caches=(CACHE,), variables=("COMPOSER_AUTH",)))
        commands += ["composer dump-autoload --no-dev --optimize --no-interaction"]
    if assets:
        steps.append(assets.install())
        commands += [one for one in (assets.build("build", "prod", "production"), assets.clean()) if one]
    commands = [*commands, *framework.build]
    if not commands:
        return (*steps, Step(name="sources", commands=(), inputs=(".",)))
    caches = (*((CACHE,) if composer.is_there else ()), *(assets.manager.caches if assets else ()))
    return (*steps, Step(name="build", commands=tuple(commands), inputs=(".",), caches=caches, variables=("*",)))
