"""Compiled languages on this machine: an edited line compiles the project anew, and nothing that it depends on."""

from __future__ import annotations

import os
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from rw_daemon.builds.builder import BuildOrder, BuildOutput
from rw_daemon.builds.process import ProcessBuilder
from rw_daemon.detection import registry
from rw_daemon.detection.buildpack import Request
from rw_daemon.detection.source import Source

PASSED_ON = ("SSL_", "CARGO_", "RUSTUP_", "MAVEN_", "JAVA_")
ENVIRON = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME"} or name.startswith(PASSED_ON)}
RUST = {
    "Cargo.toml": '[workspace]\nmembers = ["shop", "words"]\n',
    "shop/Cargo.toml": '[package]\nname = "shop"\nversion = "0.1.0"\n[dependencies]\nitoa = "1"\nwords = { path = "../words" }\n',
    "shop/src/main.rs": 'fn main() { println!("{} {}", words::WORD, itoa::Buffer::new().format(7)); }\n',
    "words/Cargo.toml": '[package]\nname = "words"\nversion = "0.1.0"\n',
    "words/src/lib.rs": 'pub const WORD: &str = "first";\n',
}


class Workshop:
    """A builder over one tree that a test edits. All files are of 1970, as in a context: no tool may compare times."""

    def __init__(self, folder: Path, files: dict[str, str]) -> None:
        self.files, self.said = dict(files), list[BuildOutput]()
        self.builder = ProcessBuilder(folder / "releases", folder / "caches", lay_out=self.lay_out)

    async def lay_out(self, _digest: str, folder: Path) -> None:
        for name, text in self.files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
            os.utime(folder / name, (0, 0))

    async def build(self, key: str) -> Path:
        self.said.clear()
        plan = registry.plan(Request(Source(self.files)))
        return Path((await self.builder.build(BuildOrder(key, plan, "snapshot", environ=ENVIRON), output=self.said.append)).reference)

    @property
    def compiled(self) -> set[str]:
        words = [one.text.split() for one in self.said]
        return {line[1] for line in words if line[:1] == ["Compiling"]}


def output(*command: str, cwd: Path) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True, cwd=cwd, env=ENVIRON).stdout.strip()


@pytest.mark.skipif(not shutil.which("cargo"), reason="needs cargo")
async def test_an_edited_rust_library_compiles_no_dependency_again(tmp_path: Path) -> None:
    shop = Workshop(tmp_path, RUST)
    first = await shop.build("one")
    assert shop.compiled == {"itoa", "words", "shop"}
    shop.files["words/src/lib.rs"] = 'pub const WORD: &str = "second";\n'
    second = await shop.build("two")
    assert shop.compiled == {"words", "shop"}
    assert [one.step for one in shop.said if one.state == "cached"] == ["install"]
    assert [output("./target/release/shop", cwd=folder) for folder in (first, second)] == ["first 7", "second 7"]


@pytest.mark.full
@pytest.mark.skipif(not shutil.which("mvn"), reason="needs mvn")
async def test_an_edited_java_class_downloads_nothing_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repository = tmp_path / "repository"
    monkeypatch.setitem(ENVIRON, "MAVEN_OPTS", f"-Dmaven.repo.local={repository}")
    app = Path(__file__).parents[1] / "apps" / "java-maven"
    paths = [path for path in app.rglob("*") if path.is_file() and path.name != "expect.toml"]
    shop = Workshop(tmp_path, {path.relative_to(app).as_posix(): path.read_text() for path in paths})
    await shop.build("one")
    jars = {path: path.stat().st_mtime_ns for path in repository.rglob("*.jar")}
    assert any(path.name.startswith("gson") for path in jars)
    source = "src/main/java/shop/Server.java"
    shop.files[source] = shop.files[source].replace("hello from java", "hello again")
    second = await shop.build("two")
    assert [one.step for one in shop.said if one.state == "cached"] == ["install"]
    assert {path: path.stat().st_mtime_ns for path in repository.rglob("*.jar")} == jars
    assert b"hello again" in zipfile.ZipFile(second / "app.jar").read("shop/Server.class")
