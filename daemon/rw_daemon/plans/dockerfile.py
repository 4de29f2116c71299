"""A plan as a Dockerfile: readable, in two stages, for the built-in frontend of every engine since 20.10. Pure.

Two forms of the same text. rw's own build sends a context in which the project lies below ``src/`` and what rw adds below ``.rw/``;
the portable form is for a file that is committed beside the project: it copies from the project's root and takes variables as secrets.
"""

from __future__ import annotations

import json
import posixpath
import shlex

from rw_daemon.plans.commands import shell_text
from rw_daemon.plans.plan import BuildPlan, ServicePlan, Step, Toolchain

APP = "/app"
USER = "10001:10001"  # by number: slim bases have no useradd, and a number needs none
VARIABLES = "/run/rw/variables"
BUILD_STAGE = "build"
CONTEXT_SOURCE, CONTEXT_OWN = "src/", ".rw/"
PIP = "RUN --mount=type=cache,id=rw-pip,target=/root/.cache/pip pip install --quiet --root-user-action=ignore"
MAVEN_COPY = (
    "RUN --mount=type=cache,id=rw-maven,target=/root/.m2/repository,sharing=locked"
    " mvn --batch-mode --quiet org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy -DoutputDirectory=/usr/local/lib"
)
SBT = "sbt-launch-1.10.7.jar"  # a launcher of any version starts the sbt that project/build.properties names
SBT_SCRIPT = f"""'#!/bin/sh\\nexec java $SBT_OPTS -jar /usr/local/lib/{SBT} "$@"\\n'"""
DATED = " /var/log/apt /var/log/*.log /var/cache/ldconfig/aux-cache"  # they say when they were written: no two images would be equal
TOOLS = {
    "uv": (f"{PIP} uv",),
    "sbt": (
        f"{MAVEN_COPY} -Dartifact=org.scala-sbt:sbt-launch:1.10.7",
        f"RUN printf {SBT_SCRIPT} > /usr/local/bin/sbt && chmod 755 /usr/local/bin/sbt",
    ),
}


def render(plan: BuildPlan, *, portable: bool = False) -> str:
    """Return the Dockerfile of a plan that has none of its own.

    :param portable: the form to commit, without rw's context.
    """
    return "\n\n".join("\n".join(part) for part in _Renderer(plan, is_portable=portable).parts() if part) + "\n"


def variables_stage(plan: BuildPlan) -> bool:
    """Return whether a build mounts variables."""
    return any(step.variables for step in plan.steps)


class _Renderer:
    def __init__(self, plan: BuildPlan, *, is_portable: bool) -> None:
        self._plan, self._is_portable = plan, is_portable
        self._source = "" if is_portable else CONTEXT_SOURCE

    def parts(self) -> list[list[str]]:
        plan = self._plan
        head = [f"# {plan.buildpack} {plan.version}".rstrip() + (f", {plan.framework}" if plan.framework else "") + "; planned by rw"]
        if not self._has_build:
            return [
                head,
                *self._variables(),
                ["# --- what runs", f"FROM {plan.bases.run}", *self._run_head(), *self._direct()],
                self._tail(),
            ]
        return [
            head,
            *self._variables(),
            ["# --- what builds", f"FROM {plan.bases.build} AS {BUILD_STAGE}", *self._build_head()],
            *[self._step(step) for step in plan.steps if step.commands or not self._is_apart],
            ["# --- what runs", f"FROM {plan.bases.run}", *self._run_head(), *self._keep()],
            self._tail(),
        ]

    @property
    def _has_build(self) -> bool:
        """A plan that only copies needs one stage."""
        return any(step.commands for step in self._plan.steps)

    @property
    def _is_apart(self) -> bool:
        """No command reads the sources: they go straight into the image, on a layer of their own above what was installed.

        So a changed line makes a layer of the sources' size, and what was installed keeps its layer.
        """
        plan = self._plan
        first = next((at for at, step in enumerate(plan.steps) if "." in step.inputs), len(plan.steps))
        return plan.keep == (".",) and bool(plan.installed) and not any(step.commands for step in plan.steps[first:])

    def _variables(self) -> list[list[str]]:
        """The stage that holds variables: no image contains it, and a changed one reruns only the steps that mount it."""
        if self._is_portable or not variables_stage(self._plan):
            return []
        return [
            [
                "# build variables, mounted where a step declares them; they reach no layer",
                "FROM scratch AS variables",
                f"COPY {CONTEXT_OWN}variables/ /",
            ]
        ]

    def _environment(self) -> list[str]:
        values = [f"{name}={_quoted(value)}" for name, value in self._plan.environment.items()]
        if self._plan.path:
            folders = ":".join(posixpath.join(APP, folder) for folder in self._plan.path)
            values.append(f"PATH={folders}:$PATH")
        return [f"ENV {values[0]}" + "".join(f" \\\n    {value}" for value in values[1:])] if values else []

    def _build_head(self) -> list[str]:
        tools = [line for tool in self._plan.tools for line in TOOLS.get(tool, ())]
        link = ["ENV UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never"] if "uv" in self._plan.tools else []
        borrowed = [_borrowed(one) for one in self._plan.toolchains]
        return [*_apt(self._plan.packages.build), *borrowed, *tools, *link, *self._environment(), f"WORKDIR {APP}", *self._files()]

    def _files(self) -> list[str]:
        """Files that rw adds: from its own context, or written by printf in the portable form."""
        if not self._plan.files:
            return []
        if not self._is_portable:
            return [f"COPY {CONTEXT_OWN}files/ ./"]
        return [
            f"RUN printf '%s\\n' {' '.join(shlex.quote(line) for line in text.rstrip().split(chr(10)))} > {shlex.quote(path)}"
            for path, text in self._plan.files.items()
        ]

    def _step(self, step: Step) -> list[str]:
        lines = [f"# {step.name}"]
        lines += self._copies(step.inputs)
        for command in step.commands:
            folders = {cache.id: posixpath.join(APP, cache.path) for cache in step.caches}
            mounts = [f"--mount=type=cache,id=rw-{name},target={folder},sharing=locked" for name, folder in folders.items()]
            prefix = ""
            if step.variables:
                if self._is_portable:
                    mounts.append(f"--mount=type=secret,id=variables,target={VARIABLES}")
                    prefix = f"if [ -f {VARIABLES} ]; then set -a; . {VARIABLES}; set +a; fi; "
                else:
                    mounts.append(f"--mount=type=bind,from=variables,source=/{step.name},target={VARIABLES}")
                    prefix = f"set -a; . {VARIABLES}; set +a; "
            lines.append("RUN " + " ".join([*mounts, _run(prefix + command.strip())]))
        return lines if len(lines) > 1 else []

    def _copies(self, inputs: tuple[str, ...]) -> list[str]:
        """One COPY for each folder that inputs come from; a folder keeps its name."""
        if "." in inputs:
            return [f"COPY {self._source or '.'} ./"]
        by_folder: dict[str, list[str]] = {}
        for path in inputs:
            by_folder.setdefault(posixpath.dirname(path), []).append(path)
        lines = []
        for folder, paths in by_folder.items():
            names = [self._source + path for path in paths]
            target = f"./{folder}/" if folder else "./"
            if len(paths) == 1 and "." not in posixpath.basename(paths[0]):
                target = f"./{paths[0]}"  # a folder, or a file without an ending: named in full, both are right
            lines.append(
                f"COPY {json.dumps([*names, target])}" if any(" " in name for name in names) else f"COPY {' '.join([*names, target])}"
            )
        return lines

    def _run_head(self) -> list[str]:
        web = next((service for service in self._plan.services if service.port), None)
        port = [f"ENV HOST=0.0.0.0 PORT={web.port}", f"EXPOSE {web.port}"] if web else []
        # the app may write beside its code (SQLite, uploads that may be lost), so its folder belongs to it
        owned = [f"WORKDIR {APP}", f"RUN chown {USER} {APP}"]
        borrowed = [_borrowed(one) for one in self._plan.toolchains if one.runs]
        return [*_apt(self._plan.packages.runtime, without=DATED), *borrowed, *self._environment(), "ENV HOME=/tmp", *port, *owned]

    def _direct(self) -> list[str]:
        whole, copied = self._source or ".", []
        for path in self._plan.keep:
            if path == ".":
                copied.append(f"COPY --chown={USER} {whole} ./")
            elif path not in self._plan.files:
                copied.append(f"COPY --chown={USER} {self._source}{path} ./{path}")
        files = [line.replace("COPY ", f"COPY --chown={USER} ", 1) for line in self._files()]
        return [*copied, *files]

    def _keep(self) -> list[str]:
        if self._is_apart:
            installed = [posixpath.join(APP, folder) for folder in self._plan.installed]
            sources = f"COPY --chown={USER} {self._source or '.'} {APP}/"
            files = [line.replace("COPY ", f"COPY --chown={USER} ", 1) for line in self._files()]
            return [*(f"COPY --from=build --chown={USER} {folder} {folder}" for folder in installed), sources, *files]
        lines = []
        for path in self._plan.keep:
            if path == ".":
                lines.append(f"COPY --from=build --chown={USER} {APP} {APP}")
            else:
                full = posixpath.join(APP, path)
                lines.append(f"COPY --from=build --chown={USER} {full} {full}")
        return lines

    def _tail(self) -> list[str]:
        lines = [f"USER {USER}"]
        main = self._plan.services[0] if self._plan.services else ServicePlan(name="web")
        others = [f"#   {service.name}: {_one_line(service.start)}" for service in self._plan.services[1:]]
        if others:
            lines.append("# the same image also runs:")
            lines += others
        if main.pre_deploy:
            lines.append(f"# before each release: {_one_line(' && '.join(main.pre_deploy))}")
        if main.start:
            lines.append(f'CMD ["/bin/sh", "-c", {json.dumps(shell_text(main.start))}]')
        return lines


def _apt(packages: tuple[str, ...], *, without: str = "") -> list[str]:
    if not packages:
        return []
    names = " ".join(packages)
    mount = "--mount=type=cache,id=rw-apt,target=/var/cache/apt,sharing=locked"
    install = f"apt-get install -y -qq --no-install-recommends {names}"
    return [f"RUN {mount} apt-get update -qq && {install} && rm -rf /var/lib/apt/lists/*{without}"]


def _borrowed(one: Toolchain) -> str:
    return f"COPY --from={one.image} {one.path} {one.path}"


def _one_line(text: str) -> str:
    """Return text that a comment can hold."""
    return " ".join(text.split()).removesuffix("\\")


def _run(command: str) -> str:
    """Return shell text for RUN; with line ends in it as a list, for a bare one would end the instruction."""
    return json.dumps(["/bin/sh", "-c", command]) if "\n" in command or "\r" in command else command


def _quoted(value: str) -> str:
    return value if value and all(letter.isalnum() or letter in "/._:-" for letter in value) else json.dumps(value.replace("$", "\\$"))
