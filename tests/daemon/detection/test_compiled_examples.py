"""A build command of the user's own in Rust and on the JVM, on the shapes that conformance is measured with."""

from __future__ import annotations

import pytest
from shapes.compiled import EXAMPLES

from rw_daemon.detection import registry
from rw_daemon.detection.buildpack import Request
from rw_daemon.detection.source import Source


@pytest.mark.parametrize(
    ("name", "command", "steps"),
    [
        ("rust-cargo-workspaces", "cargo build --release --features x", ["install", "build"]),
        ("java-maven", "mvn package -Pproduction", ["install", "build", "collect"]),
        ("java-spring-boot-3", "./gradlew build", ["install", "build", "collect"]),
        ("clojure", "lein with-profile x uberjar", ["install", "build", "collect"]),
        ("scala-sbt", "sbt clean stage", ["install", "build", "collect"]),
    ],
)
def test_what_a_build_command_of_the_users_own_makes_is_found_in_the_same_place(name: str, command: str, steps: list[str]) -> None:
    files, _, _, start = EXAMPLES[name]
    before, plan = (registry.plan(Request(Source(files), variables=more)) for more in ({}, {"RW_BUILD_BUILD_CMD": command}))
    assert plan.steps[1].commands == (command,)
    assert [step.name for step in plan.steps] == steps
    assert (plan.services[0].start, plan.keep, plan.steps[2:]) == (start, before.keep, before.steps[2:])
