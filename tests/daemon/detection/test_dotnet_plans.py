"""What the .NET buildpack makes of source trees."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pins import pinned

from rw_daemon.detection import registry
from rw_daemon.detection.buildpack import Request
from rw_daemon.detection.buildpacks.dotnet import DotnetBuildpack
from rw_daemon.detection.source import Source
from rw_daemon.plans.dockerfile import render
from rw_daemon.plans.plan import BuildPlan
from rw_shared.errors import ConfigInvalidError, NoStartCommandError

PINS = Path(__file__).parent / "dockerfiles"
WEB, PLAIN, WORKER = "Microsoft.NET.Sdk.Web", "Microsoft.NET.Sdk", "Microsoft.NET.Sdk.Worker"


def project(sdk: str = WEB, framework: str = "net9.0", **properties: str) -> str:
    values = {"TargetFramework": framework, **properties} if framework else properties
    inside = "".join(f"<{name}>{text}</{name}>" for name, text in values.items())
    return f'<Project Sdk="{sdk}"><PropertyGroup>{inside}</PropertyGroup></Project>'


def sdk(version: str, **more: str) -> dict[str, str]:
    return {"global.json": json.dumps({"sdk": {"version": version, **more}})}


API = {"shop.csproj": project(), "Program.cs": "", "appsettings.json": "{}"}
SOLUTION = {
    "shop.sln": "",
    "Directory.Build.props": "<Project><PropertyGroup><TargetFramework>net8.0</TargetFramework></PropertyGroup></Project>",
    "src/Core/Core.csproj": project(PLAIN, ""),
    "src/Api/Api.csproj": project(WEB, ""),
    "src/Jobs/Jobs.csproj": project(WORKER, ""),
    "tests/Api.Tests/Api.Tests.csproj": project(PLAIN, "", OutputType="Exe"),
    "src/Api/Program.cs": "",
}


def dotnet(files: dict[str, str], **variables: str) -> BuildPlan:
    return DotnetBuildpack().plan(Request(Source(files), variables=variables))


# nixpacks's examples by their shape, and others: files → (image to build, image to run, what is started)
SHAPES: dict[str, tuple[dict[str, str], str, str, str]] = {
    "an API in C# with a newer SDK": (
        {"csharp-api.csproj": project(framework="net6.0"), **sdk("7.0.0", rollForward="latestMajor")},
        "sdk:7.0",
        "aspnet:6.0",
        "cd out && exec env ASPNETCORE_URLS=http://$HOST:$PORT dotnet csharp-api.dll",
    ),
    "a program in C#": (
        {"csharp-cli.csproj": project(PLAIN, "net6.0", OutputType="Exe")},
        "sdk:6.0",
        "runtime:6.0",
        "cd out && exec dotnet csharp-cli.dll",
    ),
    "an API in F#": (
        {"fsharp-api.fsproj": project(framework="net6.0")},
        "sdk:6.0",
        "aspnet:6.0",
        "cd out && exec env ASPNETCORE_URLS=http://$HOST:$PORT dotnet fsharp-api.dll",
    ),
    "a program in F#": (
        {"fsharp-cli.fsproj": project(PLAIN, "net6.0", OutputType="Exe")},
        "sdk:6.0",
        "runtime:6.0",
        "cd out && exec dotnet fsharp-cli.dll",
    ),
    "a solution": (SOLUTION, "sdk:8.0", "aspnet:8.0", "cd out && exec env ASPNETCORE_URLS=http://$HOST:$PORT dotnet Api.dll"),
    "a name of its own": (
        {"a.csproj": project(AssemblyName="Shop.Server")},
        "sdk:9.0",
        "aspnet:9.0",
        "cd out && exec env ASPNETCORE_URLS=http://$HOST:$PORT dotnet Shop.Server.dll",
    ),
    "several targets": (
        {"a.csproj": project(framework="", TargetFrameworks="net8.0;net9.0;netstandard2.0")},
        "sdk:9.0",
        "aspnet:9.0",
        "cd out && exec env ASPNETCORE_URLS=http://$HOST:$PORT dotnet a.dll",
    ),
}


@pytest.mark.parametrize(("files", "build", "run", "start"), SHAPES.values(), ids=SHAPES)
def test_images_and_start_are_told(files: dict[str, str], build: str, run: str, start: str) -> None:
    plan = registry.plan(Request(Source(files)))
    images = tuple(one.removeprefix("mcr.microsoft.com/dotnet/") for one in (plan.bases.build, plan.bases.run))
    assert (plan.buildpack, images, plan.services[0].start) == ("dotnet", (build, run), start)


@pytest.mark.parametrize(
    ("said", "tag"),
    [
        pytest.param(sdk("9.0.100"), "9.0.100", id="no other will do"),
        pytest.param(sdk("9.0.100", rollForward="latestPatch"), "9.0.100", id="only another patch"),
        pytest.param(sdk("9.0.100", rollForward="latestFeature"), "9.0", id="any of this version"),
        pytest.param(sdk("9.0"), "9.0", id="a version alone"),
        pytest.param({"global.json": "{}"}, "9.0", id="nothing"),
        pytest.param({"global.json": '{\n  // ours\n  "sdk": {"version": "8.0.100",}\n}'}, "8.0.100", id="with a comment"),
    ],
)
def test_the_sdk_is_the_one_that_global_json_allows(said: dict[str, str], tag: str) -> None:
    assert dotnet({**API, **said}).bases.build.rpartition(":")[2] == tag


def test_a_variable_beats_the_project() -> None:
    plan = dotnet({"a.csproj": project(framework="net8.0")}, NIXPACKS_CSHARP_SDK_VERSION="9.0")
    assert (plan.version, plan.bases.run, plan.origins["version"].source) == (
        "9.0",
        "mcr.microsoft.com/dotnet/aspnet:8.0",
        "NIXPACKS_CSHARP_SDK_VERSION",
    )


def test_an_sdk_that_is_newer_than_the_target_is_no_contradiction() -> None:
    assert dotnet({"a.csproj": project(framework="net8.0"), **sdk("9.0")}).warnings == ()
    codes = [one.code for one in dotnet({"a.csproj": project(framework="net9.0"), **sdk("8.0")}).warnings]
    assert codes == ["VERSIONS_DISAGREE"]


def test_project_files_come_before_the_sources() -> None:
    install, build = dotnet({**SOLUTION, "nuget.config": "", "src/Api/packages.lock.json": "{}"}).steps
    assert "src/Api/Program.cs" not in install.inputs
    assert {"shop.sln", "Directory.Build.props", "src/Core/Core.csproj", "nuget.config", "src/Api/packages.lock.json"} <= set(
        install.inputs
    )
    assert install.commands == ("dotnet restore src/Api/Api.csproj --locked-mode",)
    assert build.commands == ("dotnet publish src/Api/Api.csproj --configuration Release --output out",)


def test_several_projects_are_explained_and_can_be_chosen() -> None:
    files = {"a/a.csproj": project(), "b/b.csproj": project()}
    assert [one.code for one in dotnet(files).warnings] == ["SEVERAL_PROJECTS"]
    assert dotnet(files, RW_BUILD_DOTNET_PROJECT="b").services[0].start.endswith("dotnet b.dll")
    with pytest.raises(ConfigInvalidError, match="no project 'c'"):
        dotnet(files, RW_BUILD_DOTNET_PROJECT="c")


def test_a_library_has_no_start_command() -> None:
    with pytest.raises(NoStartCommandError):
        registry.plan(Request(Source({"a.csproj": project(PLAIN)})))


def test_a_document_type_is_refused() -> None:
    with pytest.raises(ConfigInvalidError, match="document type"):
        dotnet({"a.csproj": '<!DOCTYPE x [<!ENTITY y "z">]><Project/>'})


@settings(deadline=None)
@given(st.binary() | st.text(alphabet='<Project Sdk="x">/TargetFrameworknet9.0').map(str.encode))
def test_any_bytes_are_a_project_or_an_error_of_the_users(data: bytes) -> None:
    try:
        said = DotnetBuildpack().plan(Request(Source({"a.csproj": data, "global.json": data}))).package_manager
    except ConfigInvalidError as error:
        said = error.message
    assert any(word in said for word in ("nuget", "a.csproj", "global.json"))


@pytest.mark.parametrize(("name", "files"), [("dotnet-api", API), ("dotnet-solution", SOLUTION)])
def test_the_dockerfile_is_what_was_decided(name: str, files: dict[str, str]) -> None:
    text = render(dotnet(files), portable=True)
    assert text == pinned(PINS / f"{name}.Dockerfile", text)
