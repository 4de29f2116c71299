"""What CI systems make of a deployment's log: groups, annotations, summaries, and no command of an app's."""

from __future__ import annotations

import re
from importlib.resources import files
from typing import Any

import pytest
import yaml
from typer.main import get_command

from rw_cli.commands.deploy import deploy_app
from rw_cli.context.outcomes import refused
from rw_cli.render.ci import GitHub, GitLab, Grouped, Plain, forge_of, links, outputs, summary
from rw_shared.errors import DeploymentFailedError

SERVICE = {
    "name": "web", "status": "active", "url": "http://web.shop.localhost:8080", "deployment": "dep_1", "version": 2, "image": "sha256:1",
    "previousDeployment": "dep_0", "changed": True,
}  # fmt: skip
RESULT: dict[str, Any] = {
    "status": "active", "operation": "op_1", "project": "shop", "environment": "production", "services": [SERVICE], "durationMs": 1500,
}  # fmt: skip


def step(name: str, service: str = "web") -> dict[str, Any]:
    return {"name": "step.started", "service": service, "data": {"step": name}}


def log(message: str) -> dict[str, Any]:
    return {"type": "log", "service": "web", "message": message, "attrs": {}}


def test_groups_never_overlap_and_are_closed_at_the_end() -> None:
    view = Grouped(GitHub())
    rows = [step("build"), step("build", "api"), log("compiling"), step("start"), step("start", "api"), step("healthcheck")]
    lines = [line for row in rows for line in view.take(row)] + view.finish(None)
    assert [line for line in lines if line.startswith("::")] == ["::group::Build", "::endgroup::", "::group::Release", "::endgroup::"]
    assert lines.index("web | compiling") < lines.index("::endgroup::")


def test_sections_of_gitlab_have_one_name_from_begin_to_end() -> None:
    view = Grouped(GitLab(now=lambda: 1700000000.4))
    lines = view.take(step("pre-deploy")) + view.finish(None)
    assert lines[0] == "\x1b[0Ksection_start:1700000000:pre_deploy[collapsed=true]\r\x1b[0KPre-deploy"
    assert lines[-1] == "\x1b[0Ksection_end:1700000000:pre_deploy\r\x1b[0K"


@pytest.mark.parametrize("text", ["::error::x", "  ::stop-commands::t", "a ##[command]x", "::add-mask::***"])
def test_no_line_of_an_app_is_a_command(text: str) -> None:
    made = f"web | {GitHub().harmless(text)}"
    assert "##[" not in made
    assert not GitHub().harmless(f"web | {text}").lstrip().startswith("::")


def test_an_error_of_several_lines_is_one_annotation() -> None:
    line = GitHub().failed(DeploymentFailedError("50% of it\nfailed"))
    assert "\n" not in line
    assert line.startswith("::error title=rw DEPLOYMENT_FAILED::50%25 of it%0Afailed")


@pytest.mark.parametrize(("environ", "kind"), [({"GITHUB_ACTIONS": "true"}, GitHub), ({"GITLAB_CI": "true"}, GitLab), ({}, Plain)])
def test_the_system_is_known_by_what_it_sets(environ: dict[str, str], kind: type) -> None:
    assert isinstance(forge_of(environ), kind)


def test_outputs_are_of_the_service_with_a_url() -> None:
    worker = {**SERVICE, "name": "worker", "url": "", "deployment": "dep_w", "changed": False}
    assert outputs({**RESULT, "services": [worker, SERVICE]}) == {
        "status": "active", "operation": "op_1", "changed": "true", "url": "http://web.shop.localhost:8080", "deployment": "dep_1",
        "version": "2", "image": "sha256:1", "previous_deployment": "dep_0",
    }  # fmt: skip
    assert links(RESULT) == {"deployment": [{"external_link": {"label": "web", "url": SERVICE["url"]}}]}


def test_nothing_an_app_prints_breaks_out_of_the_summary() -> None:
    error = DeploymentFailedError("It | broke")
    error.why = "````\n| x |"
    text = summary({**RESULT, "services": []}, error)
    fence = re.findall(r"^`+$", text, re.MULTILINE)
    assert "It \\| broke" in text
    assert fence[0] == fence[-1] == "`````"


def test_an_order_that_was_refused_has_outputs_too() -> None:
    refusal = refused(DeploymentFailedError("No."), project="shop", environment="production")
    assert (outputs(refusal.result)["status"], outputs(refusal.result)["url"]) == ("failed", "")
    assert summary(refusal.result, refusal.error).startswith("### Deployment failed: shop, production")


@pytest.mark.parametrize("name", ["github.yml", "gitlab.yml"])
def test_templates_use_flags_that_there_are(name: str) -> None:
    text = (files("rw_templates") / "ci" / name).read_text()
    document = yaml.safe_load(text)
    job = document["jobs"]["deploy"] if "jobs" in document else document["deploy"]
    command = job["steps"][-1]["run"] if "steps" in job else job["script"][0]
    known = {option for parameter in get_command(deploy_app).params for option in parameter.opts} | {"--environment"}
    assert set(re.findall(r"--[a-z-]+", command)) <= known
