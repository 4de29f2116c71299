"""What the last words of a failing step are taken for."""

import pytest

from rw_daemon.builds.symptoms import classify
from rw_daemon.builds.toolbox import fits


@pytest.mark.parametrize(
    ("words", "symptom"),
    [
        pytest.param("npm error code ENOTFOUND", "network", id="npm without a name server"),
        pytest.param("npm error network request failed, reason: connect ECONNREFUSED 127.0.0.1:9", "network", id="npm refused"),
        pytest.param("error: Failed to fetch: `https://x/simple/`\n  Caused by: client error (Connect)\n  dns error", "network", id="uv"),
        pytest.param("dial tcp: lookup proxy.example: no such host", "network", id="go"),
        pytest.param("fatal: Could not resolve host: example.com", "network", id="git"),
        pytest.param("OSError: [Errno 28] No space left on device", "disk", id="full disk"),
        pytest.param("npm error ENOSPC: write", "disk", id="npm on a full disk"),
        pytest.param(
            "× No solution found when resolving dependencies: nosuch was not found in the package registry", None, id="unknown package"
        ),
        pytest.param("Error: connect ECONNREFUSED 127.0.0.1:5432", None, id="a build that wants a database"),
        pytest.param("Error: getaddrinfo ENOTFOUND postgres\n    at GetAddrInfoReqWrap", None, id="a build that wants a service"),
        pytest.param("npm error network getaddrinfo ENOTFOUND registry.example.com", "network", id="a registry by its name"),
        pytest.param("SyntaxError: invalid syntax", None, id="the step's own fault"),
        pytest.param("npm error code E404", None, id="not in the registry"),
    ],
)
def test_symptoms(words, symptom):
    assert classify(words) == symptom


@pytest.mark.parametrize(
    ("tool", "found", "wanted", "good"),
    [
        pytest.param("node", "v22.3.1", "22", True, id="same major"),
        pytest.param("node", "v20.1.0", "22", False, id="other major"),
        pytest.param("python", "Python 3.12.1", "3.13", False, id="other minor"),
        pytest.param("go", "go version go1.26.0 linux/amd64", "1.24", True, id="newer Go"),
        pytest.param("go", "go version go1.22.0 linux/amd64", "1.24", False, id="older Go"),
        pytest.param("swift", "swift-driver version: 1.120 Apple Swift version 6.1 (x)", "6.0", True, id="newer Swift"),
        pytest.param("swift", "swift-driver version: 1.120 Apple Swift version 5.9 (x)", "6.0", False, id="older Swift"),
        pytest.param("deno", "deno 2.9.6 (stable, release)", "1.46.3", False, id="other Deno"),
        pytest.param("node", "v22.3.1", "", True, id="nothing asked"),
        pytest.param("cargo", "cargo 1.95.0 (f2d3ce0bd 2026-03-21)", ">=1.56", True, id="newer Cargo"),
        pytest.param("cargo", "cargo 1.70.0", "1.75", False, id="older Cargo"),
        pytest.param("java", 'openjdk version "17.0.15" 2025-04-15', "21", False, id="older Java"),
        pytest.param("java", 'openjdk version "21.0.1" 2023-10-17', "17", True, id="newer Java"),
        pytest.param("java", 'java version "1.8.0_392"', "8", True, id="Java with a 1 in front"),
        pytest.param("java", 'java version "1.8.0_392"', "11", False, id="Java 8 is older than 11"),
        pytest.param("java", 'Picked up JAVA_TOOL_OPTIONS: -Xmx99m\nopenjdk version "17.0.1"', "21", False, id="behind what options print"),
        pytest.param(
            "elixir", "Erlang/OTP 27 [erts-15.2]\n\nElixir 1.18.3 (compiled with Erlang/OTP 27)", "1.18", True, id="behind Erlang"
        ),
        pytest.param("ruby", "ruby 3.3.8 (2025-04-09 revision b200bad6cd)", "3.3.1", False, id="other patch of Ruby"),
    ],
)
def test_versions_fit_as_precisely_as_asked(tool, found, wanted, good):
    assert fits(tool, found, wanted) is good
