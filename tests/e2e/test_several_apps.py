"""Several apps in one folder: which is meant is asked for, and each becomes a service of the project."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from e2e.conftest import Rw, ask

SERVER = """require("node:http").createServer((_, answer) => answer.end(require("{needs}"))).listen(process.env.PORT, process.env.HOST);
process.on("SIGTERM", () => process.exit(0));
"""


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def app(name: str, words: str, needs: str = "./words") -> dict[str, str]:
    package: dict[str, Any] = {"name": name, "version": "1.0.0", "scripts": {"start": "node server.js"}}
    if needs != "./words":
        package["dependencies"] = {needs: "*"}
    return {
        f"{name}/package.json": json.dumps(package),
        f"{name}/server.js": SERVER.replace("{needs}", needs),
        f"{name}/words.js": f"module.exports = {json.dumps(words)};\n",
    }


@pytest.mark.full
def test_a_front_end_and_an_api_become_two_services(rw: Rw, target: str, tmp_path: Path) -> None:
    root = write(tmp_path / "shop", {**app("frontend", "pages"), **app("backend", "answers")})
    code, refused, _ = rw.result("plan", str(root))
    assert (code, refused["error"]["code"], refused["error"]["candidates"]) == (4, "SEVERAL_APPS", ["backend", "frontend"])
    rw.json("init", str(root))
    try:
        both = {one["name"]: one["url"] for one in rw.up(root)["services"]}
        assert {name: ask(url).text for name, url in both.items()} == {"backend": "answers", "frontend": "pages"}
        (root / "frontend/words.js").write_text('module.exports = "other pages";\n')
        [alone] = rw.up(root / "frontend")["services"]
        assert (alone["name"], ask(alone["url"]).text) == ("frontend", "other pages")
        assert sorted(one["name"] for one in rw.json("status", cwd=root)["services"]) == ["backend", "frontend"]
    finally:
        rw.run("down", "--yes", cwd=root)


ASKING = """require("node:http").createServer((_, answer) => fetch(process.env.API).then(async (found) => answer.end(`front of ${await found.text()}`)))
  .listen(process.env.PORT, process.env.HOST);
process.on("SIGTERM", () => process.exit(0));
"""
LISTED = """
[services.frontend]
source = "frontend"
[services.frontend.variables]
API = "http://${{backend.RAILWAY_PRIVATE_DOMAIN}}:${{backend.PORT}}"
[services.backend]
source = "backend"
"""


def test_a_service_finds_the_one_that_it_refers_to(rw: Rw, target: str, tmp_path: Path) -> None:
    files = {**app("frontend", ""), **app("backend", "answers"), "frontend/server.js": ASKING, "railway.toml": LISTED}
    root = write(tmp_path / "two", files)
    try:
        services = {one["name"]: one for one in rw.up(root)["services"]}
        assert ask(services["frontend"]["url"]).text == "front of answers"
        plans = rw.json("plan", cwd=root)["items"]
        assert [(one["entry"], one["app"]) for one in plans] == [("frontend", "frontend"), ("backend", "backend")]
        code, refused, _ = rw.result("plan", "--dockerfile", cwd=root)
        assert (code, refused["error"]["hint"]) == (2, "Add -s frontend.")
        assert "FROM" in rw.ok("plan", "--dockerfile", "-s", "backend", cwd=root)
    finally:
        rw.run("down", "--yes", cwd=root)


@pytest.mark.full
def test_an_app_of_a_workspace_is_brought_up_from_its_own_folder(rw: Rw, target: str, tmp_path: Path) -> None:
    library = {"name": "words", "version": "1.0.0", "main": "index.js"}
    root = write(
        tmp_path / "all",
        {
            "package.json": '{"private": true, "workspaces": ["api", "web", "words"]}',
            **app("api", "", needs="words"),
            **app("web", "unused"),
            "words/package.json": json.dumps(library),
            "words/index.js": 'module.exports = "from beside it";\n',
        },
    )
    plan = rw.json("plan", cwd=root / "api")
    assert [one["path"] for one in plan["apps"]] == ["api", "web"]
    try:
        assert ask(rw.up(Path(), cwd=root / "api")["services"][0]["url"]).text == "from beside it"
    finally:
        rw.run("down", "--yes", cwd=root / "api")
