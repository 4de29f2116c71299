"""Which images a Dockerfile needs, and what a registry's users are known as."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from rw_daemon.builds.credentials import registry_auth
from rw_daemon.plans.bases import Image, bases_of


@pytest.mark.parametrize(
    ("text", "arguments", "wanted"),
    [
        ("FROM debian\n", {}, ("debian",)),
        ("FROM a AS build\nFROM build\nCOPY --from=build /x /x\n", {}, ("a",)),
        ("FROM scratch\nCOPY --from=ghcr.io/astral-sh/uv:0.9 /uv /uv\n", {}, ("ghcr.io/astral-sh/uv:0.9",)),
        ("FROM a\nFROM b\nCOPY --from=0 /x /x\n", {}, ("a", "b")),
        ("ARG V=3.13\nFROM python:${V}-slim\n", {}, ("python:3.13-slim",)),
        ("ARG V=3.13\nFROM python:${V}-slim\n", {"V": "3.12"}, ("python:3.12-slim",)),
        ("ARG BASE\nFROM ${BASE:-debian:12}\n", {}, ("debian:12",)),
        ("FROM --platform=$BUILDPLATFORM golang:1.25 AS b\n", {}, ("golang:1.25",)),
        ("FROM tool-$TARGETARCH\n", {}, ()),
        ("# syntax=docker/dockerfile:1\nFROM a\n", {}, ("docker/dockerfile:1", "a")),
        ("FROM a\nRUN --mount=type=bind,from=b,target=/b \\\n  true\n", {}, ("a", "b")),
        ("FROM nginx AS nginx\nFROM nginx\n", {}, ("nginx",)),
        ("from a as B\nfrom b\n", {}, ("a",)),
    ],
)
def test_images_that_a_build_needs(text: str, arguments: dict[str, str], wanted: tuple[str, ...]) -> None:
    assert bases_of(text, arguments) == wanted


@pytest.mark.parametrize(
    ("name", "image"),
    [
        ("debian", Image("docker.io", "debian", "latest")),
        ("library/debian:12", Image("docker.io", "library/debian", "12")),
        ("ghcr.io/a/b@sha256:0123", Image("ghcr.io", "a/b", "sha256:0123")),
        ("ghcr.io/a/b:1@sha256:0123", Image("ghcr.io", "a/b", "sha256:0123")),
        ("localhost:5000/a", Image("localhost:5000", "a", "latest")),
        ("localhost/a:2", Image("localhost", "a", "2")),
    ],
)
def test_names_are_read_as_docker_reads_them(name: str, image: Image) -> None:
    assert Image.of(name) == image


def known(header: str) -> dict[str, str]:
    return json.loads(base64.urlsafe_b64decode(header)) if header else {}


async def test_user_comes_from_the_configuration_or_its_helper(tmp_path: Path) -> None:
    helper = tmp_path / "docker-credential-box"
    helper.write_text('#!/bin/sh\nread -r name\n[ $name = b.example ] && echo \'{"Username":"ann","Secret":"s"}\'\n')
    helper.chmod(0o755)
    auth = base64.b64encode(b"bob:pa:ss").decode()
    (tmp_path / "config.json").write_text(json.dumps({"auths": {"a.example": {"auth": auth}}, "credHelpers": {"b.example": "box"}}))
    environ = {"DOCKER_CONFIG": str(tmp_path), "PATH": f"{tmp_path}:/bin:/usr/bin"}
    assert known(await registry_auth("a.example", environ)) == {"serveraddress": "a.example", "username": "bob", "password": "pa:ss"}
    assert known(await registry_auth("b.example", environ)) == {"serveraddress": "b.example", "username": "ann", "password": "s"}
    assert await registry_auth("c.example", environ) == ""
    assert await registry_auth("a.example", {"DOCKER_CONFIG": str(tmp_path / "nowhere")}) == ""
