"""What all tests share: where the engine is, and what happens to tests that need it where there is none."""

import os
import subprocess
from collections.abc import Generator

import pytest
from hypothesis import HealthCheck, settings

# how long an example takes depends on what else this machine does: it is no property of the code
settings.register_profile("rw", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("rw")


def engine_problem() -> str:
    """Return why no Docker engine can be used; empty when one answers."""
    try:
        subprocess.run(["docker", "version", "--format", "{{.Server.Version}}"], check=True, capture_output=True, timeout=20)
    except (OSError, subprocess.SubprocessError) as error:
        return f"no Docker engine answers: {error}"
    return ""


@pytest.hookimpl(tryfirst=True)  # before pytest looks at the marks to deselect
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        mark, call = item.get_closest_marker("full_on"), getattr(item, "callspec", None)
        if mark and call and call.params.get("target") == mark.args[0]:
            item.add_marker("full")
    needing = [item for item in items if item.get_closest_marker("engine")]
    if not needing:
        return
    problem = engine_problem()
    if not problem:
        return
    if os.environ.get("CI", "").lower() in {"1", "true"}:
        raise pytest.UsageError(f"in CI the engine must be there: {problem}")
    for item in needing:
        item.add_marker(pytest.mark.skip(reason=problem))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Have what a test printed be text that one process can hand to another: some tests are about text that is none."""
    report = yield
    report.sections = [(name, text.encode(errors="replace").decode()) for name, text in report.sections]
    return report
