"""BuildPlan: what a buildpack yields. Data only, byte-stable, the same for the process and the docker target."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from rw_shared.models import Model, ServiceKind


class Beat(Model):
    """A value that lost, and where it stood."""

    value: str
    source: str = Field(alias="from")


class Origin(Model):
    """Where a value of the plan comes from, and what it beat. ``source`` is a file, ``default``, ``railway.toml``, …"""

    value: str
    source: str = Field(alias="from")
    beat: tuple[Beat, ...] = ()


SOURCE_UNREADABLE = "SOURCE_UNREADABLE"
"""Code of the notice that a source file which may say how to start cannot be understood."""


class Notice(Model):
    """Something that a user should know before it bites; ``fix`` is what to type or change."""

    code: str
    message: str
    fix: str = ""


class Cache(Model):
    """A folder that survives between builds: a cache mount in Docker, a shared folder on processes.

    :param id: stable name; builds that name the same one share the folder.
    :param path: absolute path inside the image (``/root/.cache/uv``), or one in the app's folder (``.next/cache``).
    :param variable: environment variable that names the folder for the tool (``UV_CACHE_DIR``), so that both targets can say where it is.
        Without one, only Docker keeps the folder.
    :param locked: one command at a time: its tool does not share the folder well. A cache mount in Docker always is.
    """

    id: str
    path: str
    variable: str = ""
    locked: bool = False


class Step(Model):
    """Commands that run in the app's folder, in order, through ``sh -c``.

    :param inputs: paths (files or folders, relative) that these commands need and that are not there yet; they are copied just before.
        A folder ends in a slash. ``(".",)`` means all sources. Manifests first, sources later: so an edited line does not install
        packages again.
    :param variables: names of user variables that the commands may read; ``("*",)`` means all. They are mounted, never kept.
    """

    name: str
    commands: tuple[str, ...]
    inputs: tuple[str, ...] = ()
    caches: tuple[Cache, ...] = ()
    variables: tuple[str, ...] = ()


class ServicePlan(Model):
    """One service of the image: one process type.

    :param start: shell text that ends in the server (``gunicorn app:app --bind $HOST:$PORT``); run in the app's folder with ``exec``.
        Empty only for a user's own Dockerfile: the image's CMD.
    :param pre_deploy: commands that run once, in order, before a release takes over (migrations).
    :param port: where the container listens; 0 for a worker. On the process target rw gives each replica a port of its own.
    :param health_path: path that the framework or the user names; empty means: see contracts.md section 7.
    """

    name: str
    kind: ServiceKind = ServiceKind.WEB
    start: str = ""
    pre_deploy: tuple[str, ...] = ()
    port: int = 8080
    health_path: str = ""


class Candidate(Model):
    """An app of the tree that can be built and started by itself, as ``rw plan`` lists them.

    :param path: its folder. :param score: how likely it is that it is meant; ``why`` says what made it.
    """

    path: str
    buildpack: str
    framework: str = ""
    score: int = 0
    why: str = ""


class Bases(Model):
    """Official images by tag. ``run`` equals ``build`` where the tools are needed at run time as well."""

    build: str = ""
    run: str = ""


class Toolchain(Model):
    """Programs of another language that come from its official image: Node beside Ruby, Composer beside PHP.

    :param path: absolute path in that image, copied to the same place; a folder ends in a slash.
    :param runs: the running app needs it as well.
    """

    image: str
    path: str
    runs: bool = False


class Packages(Model):
    """Debian packages for the build and for the running app."""

    build: tuple[str, ...] = ()
    runtime: tuple[str, ...] = ()


class BuildPlan(Model):
    """How a source tree becomes something that runs.

    :param buildpack: ``python``, ``node``, ``ruby``, …: the name of the buildpack that made it.
    :param version: of the language, as precise as was asked for (``3.13``).
    :param toolchains: what the build takes from other images beside its base.
    :param tools: programs that the steps and the start need on the process target, with the version or range asked for, empty when
        any will do (``{"uv": "", "python": ">=3.11"}``); in the image the bases and steps bring them.
    :param environment: variables that hold while building and running (``PYTHONUNBUFFERED=1``); never a secret.
    :param path: folders that go in front of PATH, relative to the app's folder (``.venv/bin``) or absolute.
    :param installed: folders relative to the app's folder that hold everything that the steps before the sources make (``.venv``);
        empty when that is not known for sure.
    :param keep: paths relative to the app's folder that the running app needs; ``(".",)`` means everything.
    :param files: generated files to write into the app's folder before the steps (a Caddyfile), path → text.
    :param root: the folder of the snapshot that is the build's context, empty for all of it; every path of the plan is relative to it.
    :param left_out: folders of other apps, which nothing here needs; only files in them that a step names are taken.
    :param dockerfile: path of the user's own Dockerfile; then bases, steps and files are empty.
    :param image: an image that is there already; then nothing is built, and bases, steps and files are empty.
    :param app: the app that was named, by its folder below the snapshot; empty where none was.
    :param entry: the table under ``[services]`` that it was made for; empty where the file has none.
    :param apps: the apps that were chosen from, the likeliest first; empty where there is only one.
    :param origins: for each value that could have been another, by its key.
    """

    buildpack: str
    version: str = ""
    package_manager: str = ""
    framework: str = ""
    bases: Bases = Bases()
    toolchains: tuple[Toolchain, ...] = ()
    steps: tuple[Step, ...] = ()
    packages: Packages = Packages()
    services: tuple[ServicePlan, ...] = ()
    tools: dict[str, str] = {}
    environment: dict[str, str] = {}
    path: tuple[str, ...] = ()
    installed: tuple[str, ...] = ()
    keep: tuple[str, ...] = (".",)
    files: dict[str, str] = {}
    root: str = ""
    left_out: tuple[str, ...] = ()
    dockerfile: str = ""
    image: str = ""
    app: str = ""
    entry: str = ""
    apps: tuple[Candidate, ...] = ()
    origins: dict[str, Origin] = {}
    warnings: tuple[Notice, ...] = ()

    @property
    def as_is(self) -> str:
        """The user's own Dockerfile or image, which is taken as it is; empty when rw writes the Dockerfile."""
        return self.dockerfile or self.image

    def takes(self, path: str) -> bool:
        """Return whether a file of the context, by its path from ``root``, has a part in the build."""
        named = (one for step in self.steps for one in step.inputs)
        return not path.startswith(tuple(f"{one}/" for one in self.left_out)) or any(
            path == one or (one.endswith("/") and path.startswith(one)) for one in named
        )

    def wire(self) -> dict[str, Any]:
        """Return plain JSON values, keys as in contracts.md section 6, in a stable order."""
        return self.model_dump(mode="json", by_alias=True)
