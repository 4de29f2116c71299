"""What the Deno buildpack makes of source trees."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pins import pinned

from rw_daemon.detection import registry
from rw_daemon.detection.buildpack import Request
from rw_daemon.detection.buildpacks.deno import DenoBuildpack
from rw_daemon.detection.source import Source
from rw_daemon.plans.dockerfile import render
from rw_daemon.plans.plan import BuildPlan
from rw_shared.errors import ConfigInvalidError

PINS = Path(__file__).parent / "dockerfiles"
SERVER = "Deno.serve(() => new Response());\n"
READS_PORT = 'Deno.serve({ port: Number(Deno.env.get("PORT")) }, handler);\n'
EXPORTS = "export default {\n  fetch(request) { return new Response(); },\n};\n"
FRESH = {"imports": {"$fresh/": "https://deno.land/x/fresh@1.6.8/"}}
EDGE = {"supabase/functions/hello/index.ts": 'import { serve } from "https://deno.land/std/http/server.ts";\n'}
EXPRESS = {"package.json": json.dumps({"scripts": {"start": "node server.js"}}), "server.js": ""}


def deno(files: dict[str, str], **variables: str) -> BuildPlan:
    return registry.plan(Request(Source(files), variables=variables))


def manifest(**keys: Any) -> str:
    return json.dumps(keys)


STARTS: dict[str, tuple[dict[str, str], str]] = {
    "a server that takes any port": ({"main.ts": SERVER}, "env DENO_SERVE_ADDRESS=tcp:$HOST:$PORT deno run --allow-all main.ts"),
    "a server that reads the port": ({"main.ts": READS_PORT}, "deno run --allow-all main.ts"),
    "a module that exports a server": ({"main.ts": EXPORTS}, "deno serve --allow-all --host $HOST --port $PORT main.ts"),
    "a program in src": ({"src/index.ts": "console.log(1)"}, "deno run --allow-all src/index.ts"),
    "main before server": ({"server.ts": "", "main.js": ""}, "deno run --allow-all main.js"),
    "start task": ({"deno.json": manifest(tasks={"start": "deno run -A x.ts"}), "main.ts": SERVER}, "deno run -A x.ts"),
    "start task with its permissions": ({"deno.json": manifest(tasks={"start": "deno run -N=:80 x.ts"})}, "deno run -N=:80 x.ts"),
    "start task as an object": ({"deno.json": manifest(tasks={"start": {"command": "deno run x.ts"}})}, "deno run x.ts"),
    "start task that runs another": (
        {"deno.json": manifest(tasks={"start": "deno task serve", "serve": "A=1 deno run x.ts"})},
        "env A=1 deno run x.ts",
    ),
    "start task that runs itself": ({"deno.json": manifest(tasks={"start": "deno task start"})}, "deno task start"),
    "start task of a server that takes any port": (
        {"deno.json": manifest(tasks={"start": "A=1 deno run -A ./main.ts"}), "main.ts": SERVER},
        "env DENO_SERVE_ADDRESS=tcp:$HOST:$PORT A=1 deno run -A ./main.ts",
    ),
    "start task of a server that reads the port": (
        {"deno.json": manifest(tasks={"start": "deno run -A main.ts"}), "main.ts": READS_PORT},
        "deno run -A main.ts",
    ),
    "start task that serves": (
        {"deno.json": manifest(tasks={"start": "deno serve -A _fresh/server.js"})},
        "env DENO_SERVE_ADDRESS=tcp:$HOST:$PORT deno serve -A _fresh/server.js",
    ),
    "start task that names a port": ({"deno.json": manifest(tasks={"start": "deno serve --port=80 x.ts"})}, "deno serve --port=80 x.ts"),
    "start task of two commands": ({"deno.json": manifest(tasks={"start": "a && b"})}, "sh -c 'a && b'"),
    "comments and a comma at the end": (
        {"deno.jsonc": '// a "start"\n{ "tasks": { "start": "deno start main.ts", /* "dev": 1 */ }, }'},
        "deno start main.ts",
    ),
    "Fresh, whose start task develops": (
        {"deno.json": manifest(tasks={"start": "deno run -A --watch=static/,routes/ dev.ts"}, **FRESH), "main.ts": "", "dev.ts": ""},
        "env DENO_SERVE_ADDRESS=tcp:$HOST:$PORT deno run --allow-all main.ts",
    ),
    "Fresh with a preview": (
        {"deno.json": manifest(tasks={"start": "deno run -A dev.ts", "preview": "deno run -A main.ts"}, **FRESH), "main.ts": ""},
        "env DENO_SERVE_ADDRESS=tcp:$HOST:$PORT deno run -A main.ts",
    ),
}


@pytest.mark.parametrize(("files", "start"), STARTS.values(), ids=STARTS)
def test_the_start_command(files: dict[str, str], start: str) -> None:
    assert deno({"deno.json": "{}", **files} if "deno.jsonc" not in files else files).services[0].start == start


PACKS: dict[str, tuple[dict[str, str], str]] = {
    "a program that imports a URL": ({"src/index.ts": 'import { x } from "https://deno.land/std/x.ts";\n'}, "deno"),
    "a program that imports from JSR": ({"main.ts": 'export * from "jsr:@std/http";\n'}, "deno"),
    "a program that calls Deno": ({"main.ts": SERVER}, "deno"),
    "edge functions beside a Node server": ({**EXPRESS, **EDGE}, "node"),
    "edge functions beside pages": ({"index.html": "", **EDGE}, "static"),
    "an editor's deno.json beside a Node server": ({**EXPRESS, "deno.json": "{}"}, "node"),
    "a start task beside a package.json": ({**EXPRESS, "deno.json": manifest(tasks={"start": "deno run main.ts"})}, "deno"),
    "packages of npm in a package.json": ({"package.json": '{"dependencies": {}}', "deno.json": "{}", "main.ts": SERVER}, "deno"),
    "a Python server": ({"requirements.txt": "", "main.py": "print(1)", "main.ts": SERVER}, "python"),
}


@pytest.mark.parametrize(("files", "pack"), PACKS.values(), ids=PACKS)
def test_what_is_denos(files: dict[str, str], pack: str) -> None:
    assert deno(files).buildpack == pack


def test_packages_come_before_sources_and_as_they_are_locked() -> None:
    files = {"deno.json": manifest(workspace=["a"]), "a/deno.json": "{}", "deno.lock": "{}", "main.ts": SERVER}
    install, build = deno(files).steps
    assert install.commands[1:-1] == ("deno install --frozen",)
    assert install.inputs == ("deno.json", "deno.lock", "a/deno.json")
    assert build.commands == ("deno cache --frozen main.ts",)


@pytest.mark.parametrize(
    ("files", "caches"),
    [
        ({"deno.json": "{}", "deno.lock": "{}"}, ["deno"]),
        ({"deno.json": manifest(name="@shop/Web"), "deno.lock": "{}"}, ["deno-shop-web"]),
        ({"deno.json": "{}", "package.json": '{"name": "shop"}', "deno.lock": "{}"}, ["deno-shop"]),
        ({"deno.json": "{}"}, []),
    ],
    ids=["no name", "a name", "a name for npm", "nothing locked"],
)
def test_what_an_app_installed_is_kept_for_its_next_build(files: dict[str, str], caches: list[str]) -> None:
    assert [one.id for one in deno({**files, "main.ts": SERVER}).steps[0].caches] == caches


def test_an_import_map_of_its_own_is_read_and_there_for_the_installation() -> None:
    files = {"deno.json": manifest(importMap="./map.json", tasks={"start": "deno run -A dev.ts"}), "dev.ts": "", "main.ts": SERVER}
    plan = deno({**files, "map.json": '{"imports": {"$fresh/": "https://deno.land/x/fresh@1.7.3/"}}'})
    assert (plan.framework, plan.steps[0].inputs) == ("fresh", ("deno.json", "map.json"))
    assert plan.services[0].start.endswith("deno run --allow-all main.ts")


def test_deno_1_has_no_install() -> None:
    plan = deno({"deno.json": "{}", "deno.lock": "{}", ".dvmrc": "1.46.3", "main.ts": SERVER})
    assert plan.bases.run == "denoland/deno:debian-1"
    assert [step.commands for step in plan.steps] == [("deno cache main.ts",)]


def test_a_build_task_is_run() -> None:
    plan = deno({"deno.json": manifest(tasks={"build": "deno run -A dev.ts build", "start": "deno run -A main.ts"}), "main.ts": ""})
    assert plan.steps[-1].commands == ("deno cache main.ts", "deno task build")


def test_the_dockerfile_is_as_pinned() -> None:
    text = render(deno({"deno.json": "{}", "deno.lock": "{}", "main.ts": SERVER}), portable=True)
    assert text == pinned(PINS / "deno.Dockerfile", text)


@pytest.mark.parametrize("text", ["{", '{"tasks": ', "[" * 5000, '{"tasks": "//'])
def test_a_broken_manifest_is_named(text: str) -> None:
    with pytest.raises(ConfigInvalidError, match=r"deno\.json"):
        deno({"deno.json": text, "main.ts": SERVER})


@pytest.mark.parametrize("text", ['{"tasks": []}', '{"tasks": {"start": 1}}', '{"imports": 1, "workspace": 2}', "[]", ""])
def test_wrong_types_count_as_absent(text: str) -> None:
    assert deno({"deno.json": text, "main.ts": READS_PORT}).services[0].start == "deno run --allow-all main.ts"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
)
FILLER = st.sampled_from([" ", "\n", '/* , ] } " */', '// { " /*\n', "/**/"])


@settings(deadline=None)
@given(st.dictionaries(st.text(), JSON), st.lists(FILLER, max_size=3))
def test_comments_and_commas_change_nothing(value: dict[str, Any], filler: list[str]) -> None:
    between = "".join(filler)
    text = json.dumps(value, indent=1)
    lines = [
        line + ("," if line.endswith(("]", "}", '"', "l", "e")) and following.strip() in {"}", "]"} else "") + between
        for line, following in zip(text.split("\n"), [*text.split("\n")[1:], ""], strict=True)
    ]
    assert Source({"x.jsonc": between + "\n".join(lines)}).jsonc("x.jsonc") == value


@settings(deadline=None)
@given(st.text(alphabet='{}[]",:/*\\ \nat1', max_size=200), st.text(max_size=100))
def test_no_text_breaks_the_reader(text: str, program: str) -> None:
    with suppress(ConfigInvalidError):
        DenoBuildpack().plan(Request(Source({"deno.json": text, "main.ts": program})))
