"""What the PHP buildpack makes of source trees."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pins import pinned

from rw_daemon.detection import registry
from rw_daemon.detection.buildpack import Request
from rw_daemon.detection.buildpacks.php import PhpBuildpack
from rw_daemon.detection.source import Source
from rw_daemon.plans.dockerfile import render
from rw_daemon.plans.plan import BuildPlan
from rw_shared.errors import ConfigInvalidError, NoStartCommandError

PINS = Path(__file__).parent / "dockerfiles"
MIGRATION = {"database/migrations/1_a.php": ""}


def composer(php: str = "", *, lock: dict[str, dict[str, str]] | None = None, **required: str) -> dict[str, str]:
    require = {name.replace("__", "/"): text for name, text in {"php": php, **required}.items() if text}
    files = {"composer.json": json.dumps({"require": require})}
    packages = [{"name": name, "require": requires} for name, requires in (lock or {}).items()]
    return files | ({"composer.lock": json.dumps({"packages": packages})} if lock is not None else {})


def laravel(php: str = "^8.2", **required: str) -> dict[str, str]:
    manifest = composer(php, lock={}, laravel__framework="^11", **required)
    return {**manifest, "artisan": "", "public/index.php": "", "resources/views/a.blade.php": "", **MIGRATION}


SYMFONY = {
    **composer("~8.3.0", lock={"symfony/framework-bundle": {"ext-xml": "*"}, "doctrine/doctrine-migrations-bundle": {}}),
    "bin/console": "",
    "public/index.php": "",
    "migrations/V1.php": "",
}
VITE = {"package.json": json.dumps({"scripts": {"build": "vite build"}, "devDependencies": {"vite": "5"}}), "package-lock.json": "{}"}
MIX = {"package.json": json.dumps({"scripts": {"prod": "mix --production"}})}


def php(files: dict[str, str], **variables: str) -> BuildPlan:
    return PhpBuildpack().plan(Request(Source(files), variables=variables))


# nixpacks's examples by their shape, and others: files → (image, root, pre-deploy)
SHAPES: dict[str, tuple[dict[str, str], str, str, bool]] = {
    "pages without Composer": ({"index.php": ""}, "php:8.4-cli", "php -S $HOST:$PORT -t . .rw-router.php", False),
    "pages below public": ({"public/index.php": ""}, "php:8.4-cli", "php -S $HOST:$PORT -t public .rw-router.php", False),
    "an API": (
        {**composer(">= 8.2"), "public/index.php": ""},
        "dunglas/frankenphp:1-php8.4",
        "frankenphp php-server --listen $HOST:$PORT --root public",
        False,
    ),
    "Laravel": (laravel("^8.1"), "dunglas/frankenphp:1-php8.4", "frankenphp php-server --listen $HOST:$PORT --root public", True),
    "Symfony": (SYMFONY, "dunglas/frankenphp:1-php8.3", "frankenphp php-server --listen $HOST:$PORT --root public", True),
    "Composer, pages in the root": (
        {**composer(), "index.php": ""},
        "dunglas/frankenphp:1-php8.4",
        "frankenphp php-server --listen $HOST:$PORT --root .",
        False,
    ),
}


@pytest.mark.parametrize(("files", "image", "start", "migrates"), SHAPES.values(), ids=SHAPES)
def test_image_and_start_are_told(files: dict[str, str], image: str, start: str, migrates: bool) -> None:
    plan = registry.plan(Request(Source(files)))
    service = plan.services[0]
    assert (plan.buildpack, plan.bases.run, service.start, bool(service.pre_deploy)) == ("php", image, start, migrates)


@pytest.mark.parametrize(
    ("wanted", "version"),
    [
        pytest.param("^8.1", "8.4", id="caret"),
        pytest.param("~8.2", "8.4", id="a tilde with two numbers lets the second rise"),
        pytest.param("~8.2.0", "8.2", id="a tilde with three does not"),
        pytest.param("^7.4|^8.0", "8.4", id="one bar"),
        pytest.param("^7.4 || 8.1.*", "8.1", id="two bars"),
        pytest.param(">=8.1,<8.3", "8.2", id="two ends"),
        pytest.param("8.5.*@dev", "8.5", id="a stability"),
    ],
)
def test_the_version_is_resolved_as_composer_would(wanted: str, version: str) -> None:
    assert php(composer(wanted)).version == version


def test_an_old_php_gets_its_own_server_and_a_warning() -> None:
    plan = php({**composer("7.4.*"), "index.php": ""})
    assert (plan.bases.run, [one.code for one in plan.warnings]) == ("php:7.4-cli", ["SERVER_FOR_DEVELOPING"])


def test_the_server_can_be_chosen() -> None:
    assert php({"index.php": ""}, RW_BUILD_PHP_SERVER="frankenphp").bases.run.startswith("dunglas/")
    assert php(laravel(), RW_BUILD_PHP_SERVER="builtin").environment["PHP_CLI_SERVER_WORKERS"] == "4"
    with pytest.raises(ConfigInvalidError, match="apache"):
        php({"index.php": ""}, RW_BUILD_PHP_SERVER="apache")


@pytest.mark.parametrize("root", ["/app/pages", "pages", "./pages/"])
def test_the_folder_of_pages_can_be_said_as_nixpacks_does(root: str) -> None:
    plan = php({"index.php": "", "pages/a.php": ""}, NIXPACKS_PHP_ROOT_DIR=root)
    assert (plan.services[0].start, plan.origins["root"].source) == ("php -S $HOST:$PORT -t pages .rw-router.php", "NIXPACKS_PHP_ROOT_DIR")


@pytest.mark.parametrize("root", ["../etc", "gone"])
def test_a_folder_outside_the_sources_is_refused(root: str) -> None:
    with pytest.raises(ConfigInvalidError, match="not there"):
        php({"index.php": ""}, RW_BUILD_PHP_ROOT_DIR=root)


def test_a_library_has_no_start_command() -> None:
    with pytest.raises(NoStartCommandError):
        registry.plan(Request(Source({**composer(), "src/A.php": ""})))


def test_extensions_come_from_manifest_lock_framework_and_variable() -> None:
    lock = {"a/b": {"ext-gd": "*"}}
    plan = php(
        {**composer("^8.2", lock=lock, **{"ext-mongodb": "*", "ext-json": "*"}), "index.php": ""}, RAILPACK_PHP_EXTENSIONS="redis, zip"
    )
    commands = next(step.commands for step in plan.steps if step.name == "extensions")
    assert [command.split("loaded(")[1].split('"')[1] for command in commands] == ["gd", "mongodb", "redis", "zip"]
    assert "docker-php-ext-configure gd" in commands[0]
    assert "pecl install mongodb" in commands[1]
    assert "libzip-dev" in plan.packages.build
    assert "ziptool" in plan.packages.runtime
    assert plan.keep[1:] == ("/usr/local/lib/php/extensions", "/usr/local/etc/php/conf.d")


def test_what_cannot_be_an_extension_reaches_no_shell() -> None:
    plan = php({**composer(**{"ext-a; rm -rf /": "*", "ext-$(x)": "*"}), "index.php": ""})
    assert all(step.name != "extensions" for step in plan.steps)


def test_packages_come_before_the_sources_and_scripts_after_them() -> None:
    install, build = (step for step in php(laravel()).steps if step.name in {"install", "build"})
    assert install.inputs == ("composer.json", "composer.lock")
    assert "--no-scripts" in install.commands[0]
    assert build.commands[0].startswith("composer dump-autoload")


def test_a_package_in_the_sources_needs_them_to_install() -> None:
    files = {"composer.json": json.dumps({"repositories": [{"type": "path", "url": "lib/*"}]}), "index.php": ""}
    assert php(files).steps[0].inputs == (".",)


@pytest.mark.parametrize(("assets", "script"), [pytest.param(VITE, "build", id="Vite"), pytest.param(MIX, "prod", id="Laravel Mix")])
def test_assets_are_built_by_node_and_nothing_of_it_stays(assets: dict[str, str], script: str) -> None:
    plan = php({**laravel(), **assets})
    commands = plan.steps[-1].commands
    assert f"npm run {script}" in commands
    assert commands.index(f"npm run {script}") < commands.index("rm -rf node_modules .node-programs")
    assert [one.image for one in plan.toolchains] == ["composer:2", "node:22-slim"]
    assert not any(one.runs for one in plan.toolchains)


def test_migrations_run_before_a_release_and_can_be_left_out() -> None:
    assert php(laravel()).services[0].pre_deploy == ("php artisan migrate --force",)
    assert php(laravel(), RAILPACK_SKIP_MIGRATIONS="1").services[0].pre_deploy == ()
    assert not any("migrate" in command for step in php(laravel()).steps for command in step.commands)


def test_wordpress_gets_the_extensions_that_no_manifest_names() -> None:
    plan = php({"index.php": "", "wp-load.php": ""})
    assert plan.framework == "WordPress"
    assert any("docker-php-ext-install -j2 mysqli" in command for command in plan.steps[0].commands)


def test_a_configuration_of_nginx_is_told_to_have_no_effect() -> None:
    (notice,) = php({"index.php": "", "nginx.template.conf": ""}).warnings
    assert notice.message == "nginx.template.conf has no effect: PHP's own server serves, not nginx."


def test_symfony_starts_without_the_secret_file_it_looks_for() -> None:
    assert php(SYMFONY).files[".env.local.php"].startswith("<?php")
    assert php({**SYMFONY, ".env.local.php": "<?php return [];"}).files == {}


VALUES = st.recursive(st.none() | st.text() | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))


@settings(deadline=None)
@given(st.fixed_dictionaries(dict.fromkeys(("require", "repositories", "config", "packages"), VALUES)))
def test_any_json_is_a_manifest_and_a_lock(document: dict[str, object]) -> None:
    text = json.dumps(document)
    assert php({"composer.json": text, "composer.lock": text, "index.php": ""}).services[0].start


@settings(deadline=None)
@given(st.text())
def test_any_text_is_a_manifest_or_an_error_of_the_users(text: str) -> None:
    try:
        said = php({"composer.json": text, "index.php": ""}).package_manager
    except ConfigInvalidError as error:
        said = error.message
    assert "composer" in said


@pytest.mark.parametrize(
    ("name", "files"), [("php-laravel", {**laravel(), **VITE}), ("php-symfony", SYMFONY), ("php-plain", {"index.php": ""})]
)
def test_the_dockerfile_is_what_was_decided(name: str, files: dict[str, str]) -> None:
    text = render(php(files), portable=True)
    assert text == pinned(PINS / f"{name}.Dockerfile", text)
