"""Packages found by what package managers leave behind, and the document that lists them, judged by SPDX's own library."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from spdx_tools.spdx.parser.parse_anything import parse_file
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

from rw_daemon.builds.components import GO_BEGIN, GO_END, Component, Entry, components
from rw_daemon.builds.spdx import document, licence_of

DPKG = "Package: libc6\nStatus: install ok installed\nVersion: 2.41-12\nDescription: a\n Version: 9\n\nPackage: gone\nStatus: deinstall ok config-files\nVersion: 1\n"
APK = "P:musl\nV:1.2.5-r9\nL:MIT\nF:lib\n\nP:busybox\nV:1.37-r12\nL:GPL-2.0-only\n"
GO = "path\tx\nmod\texample.org/app\t(devel)\ndep\tgolang.org/x/text\tv0.3.0\th1:a=\ndep\told.org/a\tv1.0.0\th1:b=\n=>\tnew.org/a\tv1.1.0\th1:c=\n"
PYTHON = "Metadata-Version: 2.4\nName: Flask_Login\nVersion: 0.6.3\nLicense-Expression: MIT\n\nName: not this\n"


def entry(path: str, content: str | bytes, *, is_executable: bool = False) -> Entry:
    raw = content.encode() if isinstance(content, str) else content
    return Entry(path, len(raw), is_executable, lambda: raw)


@pytest.mark.parametrize(
    ("path", "content", "urls"),
    [
        ("var/lib/dpkg/status", DPKG, ["pkg:deb/debian/libc6@2.41-12"]),
        ("var/lib/dpkg/status.d/libc6", DPKG, ["pkg:deb/debian/libc6@2.41-12"]),
        ("var/lib/dpkg/status-old", DPKG, []),
        ("lib/apk/db/installed", APK, ["pkg:apk/debian/busybox@1.37-r12", "pkg:apk/debian/musl@1.2.5-r9"]),
        ("app/.venv/lib/python3.13/site-packages/flask_login-0.6.3.dist-info/METADATA", PYTHON, ["pkg:pypi/flask-login@0.6.3"]),
        ("app/node_modules/@scope/a/package.json", '{"name":"@scope/a","version":"1.0.0"}', ["pkg:npm/%40scope/a@1.0.0"]),
        ("node_modules/.pnpm/b@2/node_modules/b/package.json", '{"name":"b","version":"2.0.0"}', ["pkg:npm/b@2.0.0"]),
        ("app/node_modules/a/lib/package.json", '{"name":"inner","version":"1.0.0"}', []),
        ("app/package.json", '{"name":"app","version":"1.0.0"}', []),
        ("app/node_modules/a/package.json", "{", []),
        ("usr/lib/ruby/specifications/rack-test-2.1.0.gemspec", "", ["pkg:gem/rack-test@2.1.0"]),
        ("vendor/composer/installed.json", '{"packages":[{"name":"a/b","version":"v1"}]}', ["pkg:composer/a/b@v1"]),
    ],
)
def test_packages_are_found_where_their_managers_leave_word(path: str, content: str, urls: list[str]) -> None:
    found = components([entry(path, content), entry("etc/os-release", 'ID="debian"\nVERSION_ID=13\n')])
    assert [one.url for one in found] == urls


def test_modules_of_a_go_program_are_read_from_the_program() -> None:
    program = b"\x7fELF" + b"\0" * 99 + GO_BEGIN + GO.encode() + GO_END + b"\0"
    found = components([entry("app/server", program, is_executable=True), entry("app/data", program)])
    assert [one.url for one in found] == ["pkg:golang/golang.org/x/text@v0.3.0", "pkg:golang/new.org/a@v1.1.0"]


@given(
    st.sampled_from(["a.dist-info/METADATA", "node_modules/a/package.json", "vendor/composer/installed.json", "var/lib/dpkg/status"]),
    st.binary(),
)
def test_broken_records_are_passed_over(path: str, content: bytes) -> None:
    whole = entry("lib/flask_login-0.6.3.dist-info/METADATA", PYTHON)
    found = components([entry(path, content), entry("bin/x", b"\x7fELF" + GO_BEGIN + content, is_executable=True), whole])
    assert "pkg:pypi/flask-login@0.6.3" in [one.url for one in found]


def judged(made: dict[str, Any], folder: Path) -> list[str]:
    """Return what the official library finds wrong with a document."""
    file = folder / "x.spdx.json"
    file.write_text(json.dumps(made))
    return [one.validation_message for one in validate_full_spdx_document(parse_file(str(file)))]


AT = datetime(2026, 1, 2, tzinfo=UTC)
FOUND = [
    Component("deb", "libstdc++6", "14.2.0-19", space="debian"),
    Component("deb", "libstdc--6", "1:2~rc+1", space="debian"),
    Component("npm", "@scope/a", "1.0.0", "(MIT OR Apache-2.0)"),
    Component("pypi", "old", "1", "BSD, see the file"),
]


def test_document_is_valid_and_the_same_each_time(tmp_path: Path) -> None:
    made = document("shop-production-web-v3", reference="sha256:" + "0" * 64, purpose="CONTAINER", made_at=AT, found=FOUND)
    assert judged(made, tmp_path) == []
    assert made == document("shop-production-web-v3", reference="sha256:" + "0" * 64, purpose="CONTAINER", made_at=AT, found=FOUND)
    assert [one["licenseDeclared"] for one in made["packages"][1:]] == ["NOASSERTION", "NOASSERTION", "(MIT OR Apache-2.0)", "NOASSERTION"]
    assert len({one["SPDXID"] for one in made["packages"]}) == 5


def test_document_that_is_wrong_is_found_out(tmp_path: Path) -> None:
    made = document("x", reference="r", purpose="CONTAINER", made_at=AT, found=FOUND)
    made["packages"][1]["externalRefs"][0]["referenceLocator"] = "no package URL"
    assert judged(made, tmp_path)


def test_free_text_is_no_licence() -> None:
    assert [licence_of(one) for one in ("mit", "", "Proprietary, ask us", "GPLv3")] == ["MIT", "NOASSERTION", "NOASSERTION", "NOASSERTION"]
