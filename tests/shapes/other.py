"""Projects in Python, Ruby, PHP, Go and the smaller languages, of the shapes that nixpacks's examples have."""

from __future__ import annotations

Files = dict[str, str]
Row = tuple[Files, str, str, str]
"""Files, buildpack, version, pattern of the whole start command."""

MAIN = {"main.py": "print(1)\n"}
PYTHON = r"python main\.py"
GEMS = "source 'https://rubygems.org'\n"
LOCK = "GEM\n  specs:\n    {}\n\nDEPENDENCIES\n  {}\n\nRUBY VERSION\n   ruby 3.1.2p20\n"
PHP_SERVER = r"(frankenphp|php) .*"
GO = {"main.go": "package main\n\nfunc main() {}\n"}
BINARY = r"\./bin/server"
RAILS = "rake db:migrate && bundle exec bin/rails server -b 0.0.0.0 -p ${PORT:-3000}"
RAILS_PATTERN = r"rake db:migrate && bundle exec bin/rails server -b 0\.0\.0\.0 -p \$\{PORT:-3000\}"


def python(*requirements: str, **files: str) -> Files:
    """Return a main.py and what it needs."""
    return {**MAIN, "requirements.txt": "\n".join(requirements), **files}


def pyproject(tool: str = "", requires: str = ">=3.8", **files: str) -> Files:
    """Return a main.py beside a project of one of the tools that lock."""
    text = f'[project]\nname = "shape"\nversion = "0.1.0"\nrequires-python = "{requires}"\ndependencies = []\n{tool}'
    return {**MAIN, "pyproject.toml": text, **files}


def django(engine: str, driver: str) -> Files:
    """Return a Django project with a database."""
    settings = (
        f'WSGI_APPLICATION = "python_django.wsgi.application"\nDATABASES = {{"default": {{"ENGINE": "django.db.backends.{engine}"}}}}\n'
    )
    wsgi = "from django.core.wsgi import get_wsgi_application\napplication = get_wsgi_application()\n"
    manage = "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'python_django.settings')\n"
    return {
        "requirements.txt": f"django\ngunicorn\n{driver}\n",
        "manage.py": manage,
        "python_django/settings.py": settings,
        "python_django/wsgi.py": wsgi,
        "python_django/__init__.py": "",
    }


def ruby(start: str, gem: str = "rake", **files: str) -> Files:
    """Return a script in Ruby that a Procfile starts."""
    gems = {"Gemfile": f"{GEMS}gem '{gem}'\n", "Gemfile.lock": LOCK.format(f"{gem} (1.0)", gem)}
    return {"app.rb": "puts 1\n", **gems, "Procfile": f"web: {start}\n", **files}


def rails(version: str) -> Files:
    """Return a Rails app whose Procfile migrates and serves."""
    return {
        **ruby(RAILS, "rails"), "Gemfile": f"{GEMS}ruby '{version}'\ngem 'rails'\ngem 'pg'\ngem 'bootsnap'\n", ".ruby-version": version,
        "bin/rails": "#!/usr/bin/env ruby", "config/application.rb": "", "config.ru": "run Rails.application", "Rakefile": "",
    }  # fmt: skip


def php(require: str = "", **files: str) -> Files:
    """Return a page in PHP; with a requirement also Composer's manifest."""
    manifest = {"composer.json": f'{{"require": {{"php": "{require}"}}}}'} if require else {}
    return {"index.php": "<?php echo 1;", **manifest, **files}


def laravel(require: str, more: str = "", script: str = "build", **files: str) -> Files:
    """Return a Laravel app with assets that Node builds."""
    manifest = f'{{"require": {{"php": "{require}", "laravel/framework": "^10"{more}}}}}'
    package = f'{{"scripts": {{"{script}": "vite build"}}, "devDependencies": {{"vite": "^5"}}}}'
    return {"composer.json": manifest, "artisan": "#!/usr/bin/env php", "public/index.php": "<?php", "package.json": package, **files}


def module(version: str, **files: str) -> Files:
    """Return a Go module with a main package in the root."""
    return {"go.mod": f"module example.com/shape\n\ngo {version}\n", **GO, **files}


def dotnet(name: str, extension: str, web: bool, **files: str) -> Files:
    """Return a project for .NET 6."""
    sdk = "Microsoft.NET.Sdk.Web" if web else "Microsoft.NET.Sdk"
    output = "" if web else "<OutputType>Exe</OutputType>"
    text = f'<Project Sdk="{sdk}"><PropertyGroup><TargetFramework>net6.0</TargetFramework>{output}</PropertyGroup></Project>'
    return {f"{name}.{extension}": text, ("Program.cs" if extension == "csproj" else "Program.fs"): "", **files}


def elixir(version: str, *deps: str) -> Files:
    """Return a Phoenix app."""
    listed = ", ".join(f'{{:{one}, "~> 1.0"}}' for one in deps)
    text = f'defmodule Shape.MixProject do\n  use Mix.Project\n  def project do\n    [app: :shape, version: "0.1.0", elixir: "{version}", deps: deps()]\n  end\n  defp deps do\n    [{listed}]\n  end\nend\n'
    return {
        "mix.exs": text,
        "mix.lock": "%{}",
        "config/runtime.exs": "import Config\n",
        "lib/shape/application.ex": "",
        "assets/js/app.js": "",
    }


def swift(name: str, version: str = "5.4", more: str = "", **files: str) -> Files:
    """Return a Swift package with one executable."""
    text = f'// swift-tools-version:{version}\nimport PackageDescription\nlet package = Package(name: "{name}", {more}targets: [.executableTarget(name: "{name}", dependencies: [])])\n'
    return {"Package.swift": text, f"Sources/{name}/main.swift": "print(1)", **files}


SCRIPT = {"start.sh": "#!/bin/bash\necho hello\n"}
SHELL = r"(bash|sh|\.)[ /]+start\.sh"

ROWS: dict[str, Row] = {
    "python": (python("cowsay"), "python", "3.13", PYTHON),
    "python-2": ({**MAIN, ".python-version": "2.7"}, "python", "3.13", PYTHON),
    "python-2-runtime": ({**MAIN, "runtime.txt": "python-2.7"}, "python", "3.13", PYTHON),
    "python-asdf-poetry": (
        {**MAIN, "pyproject.toml": '[tool.poetry]\nname = "shape"\nversion = "0.1.0"\n[tool.poetry.dependencies]\npython = "^3.12"\n', "poetry.lock": "", ".tool-versions": "python 3.12.3\npoetry 1.8.2\n"},
        "python", "3.12", PYTHON,
    ),
    "python-deps": (pyproject(requires=">=3.12", **{"uv.lock": "version = 1\n", ".python-version": "3.12"}), "python", "3.12", PYTHON),
    "python-django": (django("postgresql", "psycopg2"), "python", "3.13", r"gunicorn .*python_django\.wsgi.*"),
    "python-django-mysql": (django("mysql", "mysqlclient"), "python", "3.13", r"gunicorn .*python_django\.wsgi.*"),
    "python-numpy": (python("numpy", "pandas"), "python", "3.13", PYTHON),
    "python-pdm": (pyproject("[tool.pdm]\ndistribution = false\n", **{"pdm.lock": ""}), "python", "3.13", PYTHON),
    "python-pipfile": ({**MAIN, "Pipfile": '[packages]\nrequests = "*"\n[requires]\npython_version = "3.11"\n'}, "python", "3.11", PYTHON),
    "python-poetry": ({**MAIN, "pyproject.toml": '[tool.poetry]\nname = "shape"\nversion = "0.1.0"\n', "poetry.lock": ""}, "python", "3.13", PYTHON),
    "python-postgres": (python("psycopg2"), "python", "3.13", PYTHON),
    "python-procfile": ({"src/main.py": "print(1)", "requirements.txt": "", "Procfile": 'web: python src/main.py\nworker: echo "another process"\n'}, "python", "3.13", r"python src/main\.py"),
    "python-psycopg": (python("psycopg"), "python", "3.13", PYTHON),
    "python-psycopg2": (python("psycopg2"), "python", "3.13", PYTHON),
    "python-setuptools": (
        {"pyproject.toml": '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n[project]\nname = "shape"\nversion = "0.1.0"\n', "shape/__init__.py": "", "shape/__main__.py": "print(1)"},
        "python", "3.13", "python -m shape",
    ),
    "python-uv": (pyproject(requires=">=3.12", **{"uv.lock": "version = 1\n", ".python-version": "3.12"}), "python", "3.12", PYTHON),
    "ruby": (ruby("ruby app.rb"), "ruby", "3.1", r"ruby app\.rb"),
    "ruby-2": (ruby("ruby app.rb", **{".ruby-version": "2.6.6", "Gemfile.lock": ""}), "ruby", "2.6", r"ruby app\.rb"),
    "ruby-3": (ruby("ruby --enable-yjit app.rb", **{".ruby-version": "3.2.1", "Gemfile.lock": ""}), "ruby", "3.2", r"ruby --enable-yjit app\.rb"),
    "ruby-execjs": (ruby("ruby app.rb", "execjs"), "ruby", "3.1", r"ruby app\.rb"),
    "ruby-local-deps": (ruby("bundle exec ruby app.rb", **{"Gemfile": f"{GEMS}gem 'local', path: 'local'\n", "local/local.gemspec": ""}), "ruby", "3.1", r"bundle exec ruby app\.rb"),
    "ruby-no-version": ({"Gemfile": GEMS, "app.rb": "puts 1"}, "ruby", "3.3", r"(bundle exec )?ruby app\.rb"),
    "ruby-rails-api-app": (rails("3.1.2"), "ruby", "3.1", RAILS_PATTERN),
    "ruby-rails-postgres": (rails("3.2.1"), "ruby", "3.2", RAILS_PATTERN),
    "ruby-sinatra": (ruby("RACK_ENV=production bundle exec puma", "sinatra", **{"config.ru": "run Sinatra::Application"}), "ruby", "3.1", "RACK_ENV=production bundle exec puma"),
    "ruby-with-node": (ruby("ruby app.rb", **{"package.json": '{"name": "shape"}', "package-lock.json": '{"lockfileVersion": 2}'}), "ruby", "3.1", r"ruby app\.rb"),
    "php-api": (php(">= 8.2"), "php", "8.4", PHP_SERVER),
    "php-custom-config": (php(**{"nginx.template.conf": "server {}"}), "php", "8.4", PHP_SERVER),
    "php-laravel-81": (laravel("^8.1", script="prod"), "php", "8.4", PHP_SERVER),
    "php-laravel-83": (laravel("^8.3", **{"package-lock.json": '{"lockfileVersion": 3}'}), "php", "8.4", PHP_SERVER),
    "php-laravel-84": (laravel("^8.4"), "php", "8.4", PHP_SERVER),
    "php-laravel-ext-json": (laravel("^8.1", ', "ext-json": "*"', script="prod"), "php", "8.4", PHP_SERVER),
    "php-laravel-ext-mongodb": (laravel("^8.1", ', "ext-mongodb": "*"', script="prod"), "php", "8.4", PHP_SERVER),
    "php-vanilla": (php(), "php", "8.4", PHP_SERVER),
    "go": (GO, "go", "1.24", BINARY),
    "go-cgo-enabled": (GO, "go", "1.24", BINARY),
    "go-cmd": ({"go.mod": "module example.com/shape\n\ngo 1.18\n", "cmd/server/main.go": GO["main.go"]}, "go", "1.24", BINARY),
    "go-custom-version": (module("1.18"), "go", "1.24", BINARY),
    "go-gin": (module("1.18", **{"go.sum": ""}), "go", "1.24", BINARY),
    "go-mod": (module("1.17"), "go", "1.24", BINARY),
    "go-v123": (module("1.23"), "go", "1.24", BINARY),
    "csharp-api": (dotnet("csharp-api", "csproj", True, **{"global.json": '{"sdk": {"version": "7.0.0"}}'}), "dotnet", "7.0", r".*csharp-api.*"),
    "csharp-cli": (dotnet("csharp-cli", "csproj", False), "dotnet", "6.0", r".*csharp-cli.*"),
    "fsharp-api": (dotnet("fsharp-api", "fsproj", True), "dotnet", "6.0", r".*fsharp-api.*"),
    "fsharp-cli": (dotnet("fsharp-cli", "fsproj", False), "dotnet", "6.0", r".*fsharp-cli.*"),
    "elixir-ecto": (elixir("~> 1.13", "phoenix", "ecto_sql", "postgrex"), "elixir", "1.18", r".*shape.*start"),
    "elixir-phx-no-ecto": (elixir("~> 1.14", "phoenix"), "elixir", "1.18", r".*shape.*start"),
    "deno": ({"src/index.ts": 'import { serve } from "https://deno.land/std/http/server.ts";\nserve(() => new Response("1"));\n'}, "deno", "2", r"deno run .*src/index\.ts"),
    "deno-fresh": ({"deno.json": '{"tasks": {"start": "deno run -A dev.ts"}}', "dev.ts": "", "main.ts": "", "routes/index.tsx": ""}, "deno", "2", r"deno run .*-A dev\.ts"),
    "deno-jsonc": ({"deno.jsonc": '{\n  // how it is started\n  "tasks": {"start": "deno run --allow-net main.ts"},\n}', "main.ts": ""}, "deno", "2", r"deno run .*main\.ts"),
    "basic_gleam": ({"gleam.toml": 'name = "shape"\nversion = "0.1.0"\n', "manifest.toml": "packages = []\n", "src/shape.gleam": "pub fn main() { Nil }"}, "gleam", "1.18.1", r".*entrypoint\.sh run"),
    "cobol": ({"index.cbl": ""}, "cobol", "", r"\./\w+/index"),
    "cobol-no-index": ({"cobol-no-index.cbl": ""}, "cobol", "", r"\./\w+/cobol-no-index"),
    "cobol-src": ({"src/index.cbl": ""}, "cobol", "", r"\./\w+/index"),
    "crystal": ({"shard.yml": "name: shape\nversion: 0.1.0\ntargets:\n  shape:\n    main: src/shape.cr\n", "shard.lock": "version: 2.0\nshards: {}\n", "src/shape.cr": "puts 1"}, "crystal", "1.14.1", r"\./bin/shape"),
    "dart": ({"pubspec.yaml": "name: console_simple\nenvironment:\n  sdk: '>=2.17.0 <4.0.0'\n", "bin/console_simple.dart": "void main() {}"}, "dart", "3", r"\./\w+/console_simple"),
    "haskell-stack": ({"stack.yaml": "resolver: lts-20.0\n", "package.yaml": "name: shape\nexecutables:\n  shape-exe:\n    main: Main.hs\n    source-dirs: app\n", "app/Main.hs": "main = pure ()"}, "haskell", "9", r".*shape-exe"),
    "swift": (swift("shape"), "swift", "6.2", r"\./\S*shape"),
    "swift-custom-version": (swift("shape", **{".swift-version": "5.4"}), "swift", "5.4", r"\./\S*shape"),
    "swift-vapor": (swift("Run", more='dependencies: [.package(url: "https://github.com/vapor/vapor.git", from: "4.0.0")], '), "swift", "6.2", r".*\./\S*Run.*"),
    "zig": ({"build.zig": 'const std = @import("std");\npub fn build(b: *std.Build) void { const exe = b.addExecutable(.{ .name = "shape" }); b.installArtifact(exe); }\n', "src/main.zig": ""}, "zig", "0.15.2", r"\./\S*shape"),
    "staticfile": ({"Staticfile": "root: dist\n", "dist/index.html": "<p>1"}, "static", "", r"caddy run .*"),
    "scheme": ({"haunt.scm": "(use-modules (haunt site))", "init.scm": "(display 1)"}, "scheme", "", "guile .*"),
    "apt-ffmpeg": ({"nixpacks.toml": '[phases.setup]\naptPkgs = ["ffmpeg"]\n[start]\ncmd = "ffmpeg 2>&1"\n'}, "shell", "", r"ffmpeg 2>&1"),
    "config-from-environment-variables": ({"README": ""}, "shell", "", "start"),
    "config-json-file": ({"nixpacks.json": '{"phases": {"setup": {"nixPkgs": ["cowsay"]}}, "start": {"cmd": "not the start command"}}'}, "shell", "", "not the start command"),
    "config-toml-file": ({"nixpacks.toml": '[phases.setup]\nnixPkgs = ["cowsay"]\n[phases.custom]\ncmds = ["echo building!"]\n[start]\ncmd = "cowsay ${HELLO}"\n[variables]\nHELLO = "hey there"\n'}, "shell", "", r"cowsay \$\{HELLO\}"),
    "custom-pkgs": (SCRIPT, "shell", "", SHELL),
    "custom-plan-path": ({"nixpacks.other.toml": '[start]\ncmd = "correct start command"\n', "README": ""}, "shell", "", "correct start command"),
    "custom-user": ({**SCRIPT, "nixpacks.toml": '[phases.build]\ncmds = ["echo building"]\n[start]\ncmd = "bash start.sh"\nuser = "somebody"\n'}, "shell", "", SHELL),
    "pin_archive": ({**SCRIPT, "nixpacks.toml": '[phases.setup]\nnixpkgsArchive = "abc"\n'}, "shell", "", SHELL),
    "shell-hello": (SCRIPT, "shell", "", SHELL),
}  # fmt: skip
