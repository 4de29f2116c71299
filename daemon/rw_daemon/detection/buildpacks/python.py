"""Python applications: installed by uv, started by the server that the project brings or the one its interface needs."""

from __future__ import annotations

import posixpath
import re
import shlex
from dataclasses import dataclass

from rw_daemon.detection import browsers, celery, python_code, reflex, requirements, system_packages, uv_workspaces, versions
from rw_daemon.detection.buildpack import Request
from rw_daemon.detection.python_install import UV_CACHE, Install, choose
from rw_daemon.detection.source import Source
from rw_daemon.detection.versions import Wanted
from rw_daemon.plans.plan import SOURCE_UNREADABLE, Bases, Beat, BuildPlan, Notice, Origin, ServicePlan, Step

MANIFESTS = ("requirements.txt", "pyproject.toml", "Pipfile", "setup.py", "uv.lock", "poetry.lock", "pdm.lock", "manage.py")
SCRIPTS = ("main.py", "app.py", "server.py", "bot.py", "hello.py")
WSGI_SERVERS = {
    "gunicorn": "gunicorn {target} --bind $HOST:$PORT",
    "waitress": "waitress-serve --listen=$HOST:$PORT {target}",
}
ASGI_SERVERS = {
    "uvicorn": "uvicorn {target} --host $HOST --port $PORT",
    "hypercorn": "hypercorn {target} --bind $HOST:$PORT",
    "granian": "granian --interface asgi --host $HOST --port $PORT {target}",
    "daphne": "daphne -b $HOST -p $PORT {target}",
}
PAGES = frozenset({"streamlit_app.py", "app.py", "main.py", "home.py"})
BRINGS_UVICORN = {"fastapi-cli", "python-fasthtml"}
DATABASE_DRIVERS = {"psycopg", "psycopg2", "psycopg2-binary", "mysqlclient", "pymysql", "oracledb", "mssql-django", "dj-database-url"}
SCRIPT_NAMES = ("start", "serve", "server", "web", "main", "app", "api")
_ENTRY = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")


@dataclass(frozen=True)
class Start:
    """What to run: ``command`` empty when nothing was found; ``server`` has to be installed beside the project's own packages."""

    command: str = ""
    source: str = ""
    framework: str = ""
    server: str = ""
    pre_deploy: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()
    is_web: bool = True
    source_root: str = ""
    beat: tuple[Beat, ...] = ()
    needs: tuple[str, ...] = ()
    notices: tuple[Notice, ...] = ()


class PythonBuildpack:
    """Detects and plans Python applications."""

    name = "python"
    recognises = f"Python: {', '.join(MANIFESTS)}, or {', '.join(SCRIPTS)}"
    programs = frozenset(
        {"python", "python3", "gunicorn", "uvicorn", "hypercorn", "daphne", "granian", "waitress-serve", "flask", "fastapi"}
    ) | {"streamlit", "celery", "uv", "poetry", "pdm", "pipenv", "django-admin"}
    looked_for = (
        "a Django project (manage.py)",
        "an app object of FastAPI, Flask, Starlette, Litestar or Quart, or create_app(), in main.py, app.py and other modules",
        "[project.scripts] in pyproject.toml",
        "rxconfig.py of Reflex, with the name of its app",
        "a Streamlit or Gradio page",
        f"a script that runs by itself: {', '.join(python_code.SCRIPTS)}",
        "a Procfile",
    )

    def detect(self, source: Source) -> str | None:
        """Return the file that proves a Python project; a pyproject.toml that only configures tools is none."""
        proof = source.first(*MANIFESTS, *SCRIPTS)
        if proof == "pyproject.toml":
            document = source.toml(proof)
            tool = document.get("tool")
            is_project = "project" in document or "build-system" in document or (isinstance(tool, dict) and "poetry" in tool)
            return proof if is_project else source.first(*SCRIPTS)
        return proof

    def plan(self, request: Request) -> BuildPlan:
        """Describe install, build and start."""
        if member := uv_workspaces.alone(request):
            return uv_workspaces.inside(self.plan(member), request)
        source = request.source
        install = choose(source)
        version = versions.choose("python", source, own=_own_versions(source), manifests=_ranges(source), variables=request.variables)
        start = _start(source.without(uv_workspaces.folders(source)), install)
        tasks = celery.find(source, install.names)
        if tasks.app and not start.framework and start.source == tasks.app.path:
            start = Start()  # that script only says what the tasks are
        packages, asked = system_packages.find(system_packages.PYTHON, {*install.names, *start.needs})
        asking = system_packages.origins(packages, asked, install.proof or start.source)
        mistakes = () if start.command else tuple(Notice(code=SOURCE_UNREADABLE, message=one) for one in python_code.mistakes(source))
        base = f"python:{version.version}-slim"
        server = Step(name="server", commands=(f"uv pip install --compile-bytecode {start.server}",), caches=(UV_CACHE,))
        extra = (server,) if start.server else ()
        environment = {"PYTHONUNBUFFERED": "1", "FORWARDED_ALLOW_IPS": "*"}  # only the edge reaches it
        if root := start.source_root or (tasks.app.source_root if tasks.app else ""):
            environment["PYTHONPATH"] = root
        web = ServicePlan(name="web", start=start.command, pre_deploy=start.pre_deploy)
        plan = BuildPlan(
            buildpack=self.name,
            version=version.version,
            package_manager=install.manager,
            framework=start.framework,
            bases=Bases(build=base, run=base),
            steps=(*install.steps, *extra, *start.steps),
            packages=packages,
            services=(web, *tasks.processes) if start.command or not tasks.processes else tasks.processes,
            tools={"uv": "", "python": version.allowed},
            environment=environment,
            path=(".venv/bin",),
            installed=(".venv",),
            origins={**_origins(install, version.origin, start), **tasks.origins, **asking},
            warnings=(*version.notices, *_notices(start, install), *start.notices, *mistakes),
        )
        plan = reflex.with_pages(plan, request) if start.framework == reflex.NAME else plan
        return browsers.find(install.names, request.variables).within(plan)


def _origins(install: Install, version: Origin, start: Start) -> dict[str, Origin]:
    origins = {"version": version}
    if install.proof:
        origins["packageManager"] = Origin.model_validate({"value": install.manager, "from": install.proof})
    if start.command:
        origins["start"] = Origin.model_validate({"value": start.command, "from": start.source, "beat": start.beat})
    return origins


def _notices(start: Start, install: Install) -> tuple[Notice, ...]:
    if not install.proof and start.framework:
        words = f"{start.source} uses {start.framework}, and no file says which packages to install."
        return (Notice(code="REQUIREMENTS_MISSING", message=words, fix=f"Write requirements.txt with {start.framework.lower()} in it."),)
    if not start.server:
        return ()
    words = f"No server for {start.framework} is among the requirements, so {start.server} is installed beside them."
    return (Notice(code="SERVER_ADDED", message=words, fix=f"Add {start.server} to the requirements to choose its version."),)


# --- versions


def _own_versions(source: Source) -> list[Wanted]:
    found = []
    first = next(
        (line.strip() for line in source.text(".python-version").splitlines() if line.strip() and not line.strip().startswith("#")), ""
    )
    if first:
        found.append(Wanted(first, ".python-version"))
    if runtime := source.text("runtime.txt").strip():
        found.append(Wanted(runtime, "runtime.txt"))
    requires = source.toml("Pipfile").get("requires", {})
    if isinstance(requires, dict) and (wanted := requires.get("python_full_version") or requires.get("python_version")):
        found.append(Wanted(str(wanted), "Pipfile"))
    return found


def _ranges(source: Source) -> list[Wanted]:
    document = source.toml("pyproject.toml")
    project, tool = document.get("project"), document.get("tool")
    found = []
    if isinstance(project, dict) and isinstance(project.get("requires-python"), str):
        found.append(Wanted(project["requires-python"], "requires-python in pyproject.toml"))
    poetry = tool.get("poetry") if isinstance(tool, dict) else None
    dependencies = poetry.get("dependencies") if isinstance(poetry, dict) else None
    if isinstance(dependencies, dict) and isinstance(dependencies.get("python"), str):
        found.append(Wanted(dependencies["python"], "tool.poetry in pyproject.toml"))
    if wanted := requirements.setup_cfg(source, "python_requires").strip():
        found.append(Wanted(wanted, "setup.cfg"))
    if isinstance(said := requirements.setup_py(source, "python_requires"), str):
        found.append(Wanted(said, "setup.py"))
    return found


# --- start


def _start(source: Source, install: Install) -> Start:
    """Return the first that fits: Django, Reflex, Streamlit, an app object, a Gradio page, a console script, a script."""
    kinds = (_django, _reflex, _streamlit, _app, _gradio, _script)
    return next((found for kind in kinds if (found := kind(source, install))), Start())


def _django(source: Source, install: Install) -> Start | None:
    manages = sorted((path for path in source.paths if path.rpartition("/")[2] == "manage.py"), key=lambda path: (path.count("/"), path))
    for manage in (path for path in manages if path.count("/") <= 1):
        settings = python_code.constant_argument(source, manage, function="setdefault", first="DJANGO_SETTINGS_MODULE")
        if settings:
            return _django_project(source, install, manage=manage, settings=settings)
    return None


def _django_project(source: Source, install: Install, *, manage: str, settings: str) -> Start:
    folder, package = manage.rpartition("/")[0], settings.split(".")[0]
    path = posixpath.join(folder, settings.replace(".", "/"))
    files = [one for one in (f"{path}.py", *source.glob(f"{path.rpartition('/')[0]}/*.py")) if source.has(one)]
    collect = any(python_code.assigns(source, one, "STATIC_ROOT") for one in files)
    run = f"python {shlex.quote(manage)}"
    steps = (Step(name="build", commands=(f"{run} collectstatic --noinput",), variables=("*",)),) if collect else ()
    has_asgi = source.has(posixpath.join(folder, package, "asgi.py")) and not install.names & WSGI_SERVERS.keys()
    interface = "asgi" if has_asgi and install.names & ASGI_SERVERS.keys() else "wsgi"
    command, server = _serve(interface, f"{package}.{interface}:application", install.names)
    migrate = f"{run} migrate --noinput"
    notices: tuple[Notice, ...] = ()
    sqlite = next((one for one in files if python_code.mentions(source, one, "django.db.backends.sqlite3")), "")
    if sqlite and not install.names & DATABASE_DRIVERS:
        # a container's files are its own, so what migrated before the release is not there: each start does it, which changes nothing
        # where it is done already
        command, notices = f"{migrate} && exec {command}", (_sqlite(sqlite),)
    is_geo = any(python_code.mentions(source, one, system_packages.GEO_DJANGO) for one in files)
    needs = (system_packages.GEO_DJANGO,) if is_geo else ()
    return Start(command, manage, "Django", server, pre_deploy=(migrate,), steps=steps, source_root=folder, needs=needs, notices=notices)


def _sqlite(settings: str) -> Notice:
    words = f"The database is SQLite ({settings}): a file beside the app is new with every release, and each replica has its own."
    return Notice(code="DATABASE_IN_RELEASE", message=words, fix="Read DATABASE_URL in the settings to use a database that stays.")


def _reflex(source: Source, install: Install) -> Start | None:
    """Return the server of pages and backend: the one among the requirements, else Reflex's own."""
    target = reflex.target(source, install.names)
    command, _ = _serve("asgi", target, install.names | {reflex.SERVER}, is_factory=True)
    return Start(f"{reflex.SERVED} {command}", reflex.CONFIG, reflex.NAME, notices=reflex.notices(source)) if target else None


def _streamlit(source: Source, install: Install) -> Start | None:
    page = _page(source, install, "streamlit")
    command = f"streamlit run {shlex.quote(page)} --server.address $HOST --server.port $PORT --server.headless true"
    return Start(command, page, "Streamlit") if page else None


def _gradio(source: Source, install: Install) -> Start | None:
    """Return a page that launches itself; where it listens is said by variables (gradio.app/guides/environment-variables)."""
    page = _page(source, install, "gradio")
    return Start(f"env GRADIO_SERVER_NAME=$HOST GRADIO_SERVER_PORT=$PORT python {shlex.quote(page)}", page, "Gradio") if page else None


def _page(source: Source, install: Install, package: str) -> str:
    """Return the script that most likely is the page made with a package; empty when there is none, or the package is not asked for."""
    if package not in install.names:
        return ""
    pages = [
        path for path in source.paths if path.endswith(".py") and path.count("/") <= 1 and package in python_code.imports(source, path)
    ]
    return min(pages, key=lambda path: (path.count("/"), path.rpartition("/")[2].lower() not in PAGES, path), default="")


def _app(source: Source, install: Install) -> Start | None:
    app = python_code.find_app(source)
    if app is None:
        return None
    target = f"{app.module}:{app.attribute}"
    command, server = _serve(app.interface, target, install.names, is_factory=app.is_factory)
    script = _console_script(source)
    beat = (Beat.model_validate({"value": script[0], "from": "[project.scripts] in pyproject.toml"}),) if script else ()
    return Start(command, app.path, app.framework, server, source_root=app.source_root, beat=beat)


def _serve(interface: str, target: str, names: frozenset[str], *, is_factory: bool = False) -> tuple[str, str]:
    """Return the command of the server that is among the requirements, else of the usual one and its name to install."""
    servers, usual = (ASGI_SERVERS, "uvicorn") if interface == "asgi" else (WSGI_SERVERS, "gunicorn")
    usable = [name for name in servers if name in names]
    if "." in target.partition(":")[2]:  # gunicorn takes a plain name or a call
        usable, usual = [name for name in usable if name == "waitress"], "waitress"
    if is_factory:
        usable = [name for name in usable if name != "daphne"]  # which takes objects only
    has = usual if usual == "uvicorn" and names & BRINGS_UVICORN else next(iter(usable), "")
    name = has or usual
    if is_factory:
        target = {"gunicorn": f"'{target}()'", "hypercorn": f"'{target}()'", "waitress": f"--call {target}"}.get(name, target)
    command = servers[name].format(target=target)
    return command + (" --factory" if is_factory and name in {"uvicorn", "granian"} else ""), "" if has else usual


def _console_script(source: Source) -> tuple[str, str] | None:
    """Return name and entry point of the console script to run: the project's own, one with a likely name, or the only one."""
    document = source.toml("pyproject.toml")
    tool = document.get("tool")
    for table in (document.get("project"), tool.get("poetry") if isinstance(tool, dict) else None):
        scripts = table.get("scripts") if isinstance(table, dict) else None
        if not isinstance(table, dict) or not isinstance(scripts, dict) or not scripts:
            continue
        chosen = next((one for one in (table.get("name"), *SCRIPT_NAMES) if isinstance(one, str) and one in scripts), None)
        chosen = chosen or (next(iter(scripts)) if len(scripts) == 1 else None)
        if chosen and re.fullmatch(r"[A-Za-z0-9._-]+", chosen) and _ENTRY.fullmatch(str(scripts[chosen])):
            return chosen, str(scripts[chosen])
    return None


def _script(source: Source, install: Install) -> Start | None:
    script = _console_script(source)
    if script is not None:
        module, _, function = script[1].partition(":")
        root = "src" if not install.has_project and source.has_folder(f"src/{module.split('.')[0]}") else ""
        call = f"python -c 'import sys; from {module} import {function} as main; sys.exit(main())'"
        return Start(script[0] if install.has_project else call, "[project.scripts] in pyproject.toml", source_root=root)
    path = python_code.find_script(source)
    if path is None:
        return None
    if path.endswith("/__main__.py"):
        root = "src" if path.startswith("src/") else ""
        return Start(f"python -m {path.removesuffix('/__main__.py').removeprefix('src/')}", path, source_root=root)
    return Start(f"python {shlex.quote(path)}", path)
