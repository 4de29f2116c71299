"""Finds the application in Python code by parsing it: which module holds which kind of app object. Nothing is imported or run."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from rw_daemon.detection.source import Source

# class → (framework, interface); by the full name that imports resolve to
CLASSES = {
    "fastapi.FastAPI": ("FastAPI", "asgi"),
    "fastapi.applications.FastAPI": ("FastAPI", "asgi"),
    "starlette.applications.Starlette": ("Starlette", "asgi"),
    "litestar.Litestar": ("Litestar", "asgi"),
    "litestar.app.Litestar": ("Litestar", "asgi"),
    "quart.Quart": ("Quart", "asgi"),
    "sanic.Sanic": ("Sanic", "asgi"),
    "fasthtml.common.FastHTML": ("FastHTML", "asgi"),
    "fasthtml.common.fast_app": ("FastHTML", "asgi"),
    "blacksheep.Application": ("BlackSheep", "asgi"),
    "socketio.ASGIApp": ("Socket.IO", "asgi"),
    "socketio.WSGIApp": ("Socket.IO", "wsgi"),
    "django.core.asgi.get_asgi_application": ("Django", "asgi"),
    "django.core.wsgi.get_wsgi_application": ("Django", "wsgi"),
    "flask.Flask": ("Flask", "wsgi"),
    "flask.app.Flask": ("Flask", "wsgi"),
    "bottle.Bottle": ("Bottle", "wsgi"),
    "bottle.default_app": ("Bottle", "wsgi"),
    "falcon.App": ("Falcon", "wsgi"),
    "falcon.API": ("Falcon", "wsgi"),
    "falcon.asgi.App": ("Falcon", "asgi"),
    "dash.Dash": ("Dash", "wsgi"),
    "dash.dash.Dash": ("Dash", "wsgi"),
}
FACTORIES = ("create_app", "make_app", "get_app", "build_app", "application_factory")
NAMES = ("app", "application", "api", "server")  # what an app object is called, the likeliest first
FILES = ("main", "app", "wsgi", "asgi", "server", "api", "application", "run", "index", "hello", "__init__")
SCRIPTS = ("main.py", "app.py", "server.py", "run.py", "start.py", "bot.py", "worker.py", "hello.py")
NOT_SERVED = frozenset({"tests", "test", "testing", "docs", "doc", "examples", "example", "samples", "migrations", "benchmarks"})
IMPORTABLE = re.compile(r"[\w/-]+\.py")  # any other name could not be imported, and would be read by the shell of the start command
LOOKED_AT = 400  # files; the ones with likely names come first
LARGEST_BYTES = 500_000


@dataclass(frozen=True)
class App:
    """An application object.

    :param path: the file. ``module``: how to import it. ``attribute``: the object's name, or the factory's.
    :param interface: ``asgi`` or ``wsgi``. ``source_root``: folder that must be on the import path, empty for the project's.
    """

    path: str
    module: str
    attribute: str
    framework: str
    interface: str
    is_factory: bool = False
    source_root: str = ""


def find_app(source: Source) -> App | None:
    """Return the app object of a project: likely file names first, the root before folders, objects before factories."""
    files = [_File(source, path) for path in _likely(source)]
    factories = {f"{file.module}.{app.attribute}": app for file in files for app in file.factories(callable_only=False)}
    found = [app for file in files for app in (*file.factories(), *file.objects(factories))]
    return min(found, key=lambda app: (app.is_factory, _rank(app.path), _name_rank(app.attribute)), default=None)


def find_made(source: Source, classes: frozenset[str], factories: frozenset[str]) -> App | None:
    """Return the object that one of these classes, or a function of one of these names, makes when its module is imported."""
    for file in (_File(source, path) for path in _likely(source)):
        if (found := file.made(classes, factories)) is not None:
            return found
    return None


def sets(source: Source, names: tuple[str, ...]) -> bool:
    """Return whether any likely module sets a name, or an attribute of that name."""
    for path in _likely(source):
        nodes = [node for node in ast.walk(_parse(source, path)) if isinstance(node, ast.Assign | ast.AnnAssign)]
        targets = [target for node in nodes for target in (node.targets if isinstance(node, ast.Assign) else [node.target])]
        if any(one.attr in names if isinstance(one, ast.Attribute) else isinstance(one, ast.Name) and one.id in names for one in targets):
            return True
    return False


def find_script(source: Source) -> str | None:
    """Return the script to run: one that has ``if __name__ == "__main__"``, else one with a likely name."""
    there = [path for folder in ("", "src/") for name in SCRIPTS if source.has(path := folder + name)]
    packages = (path for path in source.paths if path.endswith("/__main__.py") and not _is_test(path))
    package = next((path for path in packages if path.removeprefix("src/").count("/") == 1), None)
    return next((path for path in there if _is_script(source, path)), None) or package


def imports(source: Source, path: str) -> set[str]:
    """Return the top-level names that a file imports; empty when it cannot be parsed."""
    return _absolute(_parse(source, path))


def constant_argument(source: Source, path: str, *, function: str, first: str) -> str:
    """Return the second argument of a call ``x.function(first, "…")``; empty when there is none."""
    for node in ast.walk(_parse(source, path)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == function and len(node.args) == 2:
            values = [one.value for one in node.args if isinstance(one, ast.Constant)]
            if len(values) == 2 and values[0] == first and isinstance(values[1], str):
                return values[1]
    return ""


def keyword(source: Source, path: str, *, call: str, name: str) -> str:
    """Return the text that a keyword of a call ``x.call(name="…")`` or ``call(name="…")`` has; empty when there is none."""
    for node in ast.walk(_parse(source, path)):
        if isinstance(node, ast.Call) and _resolved(node.func, {}).rpartition(".")[2] == call:
            for one in node.keywords:
                if one.arg == name and isinstance(one.value, ast.Constant) and isinstance(one.value.value, str):
                    return one.value.value
    return ""


def assigns(source: Source, path: str, name: str) -> bool:
    """Return whether a file sets a name at its top level or in a branch there."""
    for node in ast.walk(_parse(source, path)):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        if any(isinstance(target, ast.Name) and target.id == name for target in targets):
            return True
    return False


def mentions(source: Source, path: str, text: str) -> bool:
    """Return whether a string of a file is exactly ``text``; one in a comment is none."""
    return any(isinstance(node, ast.Constant) and node.value == text for node in ast.walk(_parse(source, path)))


def mistakes(source: Source) -> list[str]:
    """Return ``app.py:3: '(' was never closed`` for each likely file of the root that is no Python."""
    found = []
    for path in (f"{stem}.py" for stem in FILES if source.has(f"{stem}.py")):
        try:
            ast.parse(source.data(path)[:LARGEST_BYTES])
        except SyntaxError as error:
            found.append(f"{path}:{error.lineno}: {error.msg}")
        except (ValueError, RecursionError) as error:
            found.append(f"{path}: {error}")
    return found


def _likely(source: Source) -> list[str]:
    paths = [path for path in source.paths if IMPORTABLE.fullmatch(path) and not _is_test(path) and path.count("/") <= 3]
    return sorted(paths, key=_rank)[:LOOKED_AT]


def _is_test(path: str) -> bool:
    parts = path.split("/")
    return parts[-1].startswith(("test_", "conftest")) or parts[-1].endswith("_test.py") or not NOT_SERVED.isdisjoint(parts[:-1])


def _rank(path: str) -> tuple[int, int, str]:
    depth = path.removeprefix("src/").count("/")
    stem = path.rpartition("/")[2].removesuffix(".py")
    return depth, FILES.index(stem) if stem in FILES else len(FILES), path


def _name_rank(name: str) -> int:
    return NAMES.index(name) if name in NAMES else len(NAMES)


def _parse(source: Source, path: str) -> ast.Module:
    content = source.data(path)
    if len(content) > LARGEST_BYTES:
        return ast.Module([], [])
    try:
        return ast.parse(content)
    except (SyntaxError, ValueError, RecursionError):
        return ast.Module([], [])


class _File:
    """One parsed module."""

    def __init__(self, source: Source, path: str) -> None:
        self.path, self._tree = path, _parse(source, path)
        self.module, self.root = _module(source, path, self._tree)
        self._names = _imported(self._tree, self.module if path.endswith("/__init__.py") else self.module.rpartition(".")[0])

    def factories(self, *, callable_only: bool = True) -> list[App]:
        """Return the functions of a usual name that make an app; ``callable_only``: those that a server can call, without arguments."""
        found = []
        for node in _top_level(self._tree):
            if isinstance(node, ast.FunctionDef) and node.name in FACTORIES and not (callable_only and _required(node)):
                calls = [one for one in ast.walk(node) if isinstance(one, ast.Call)]
                known = next((CLASSES[name] for call in calls if (name := _resolved(call.func, self._names)) in CLASSES), None)
                if known:
                    found.append(App(self.path, self.module, node.name, *known, is_factory=True, source_root=self.root))
        return found

    def objects(self, factories: Mapping[str, App]) -> list[App]:
        """Return the app objects that a class or a factory makes when the module is imported."""
        found = []
        for node in _top_level(self._tree):
            if not isinstance(node, ast.Assign | ast.AnnAssign):
                continue
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = [name.id for name in (_first(target) for target in targets) if isinstance(name, ast.Name)]
            known = self._kind(node.value, factories) if isinstance(node.value, ast.Call) else None
            if known:
                found += [App(self.path, self.module, name, *known, source_root=self.root) for name in names]
        dash = {app.attribute for app in found if app.framework == "Dash"}
        return [replace(app, attribute=self._wsgi_of(app.attribute)) if app.attribute in dash else app for app in found]

    def made(self, classes: frozenset[str], factories: frozenset[str]) -> App | None:
        """Return the first object at the top level that a class, or a function of a known name, makes."""
        for node in _top_level(self._tree):
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and isinstance(node.targets[0], ast.Name):
                name = _resolved(node.value.func, self._names)
                if name in classes or name.rpartition(".")[2] in factories:
                    return App(self.path, self.module, node.targets[0].id, "", "", source_root=self.root)
        return None

    def _kind(self, call: ast.Call, factories: Mapping[str, App]) -> tuple[str, str] | None:
        name = _resolved(call.func, self._names)
        made = factories.get(name) or factories.get(f"{self.module}.{name}")
        return (made.framework, made.interface) if made else CLASSES.get(name)

    def _wsgi_of(self, name: str) -> str:
        """Return what a WSGI server can name: ``server`` of ``server = app.server``, else ``app.server``."""
        for node in _top_level(self._tree):
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Attribute) and node.value.attr == "server":
                owner, target = node.value.value, node.targets[0]
                if isinstance(owner, ast.Name) and owner.id == name and isinstance(target, ast.Name):
                    return target.id
        return f"{name}.server"


def _first(target: ast.expr) -> ast.expr:
    """Return the target, or the first one of ``app, rt = …``."""
    return target.elts[0] if isinstance(target, ast.Tuple) and target.elts else target


def _top_level(tree: ast.Module) -> list[ast.stmt]:
    """Return the statements that run on import, also those in ``if`` and ``try`` (but not under ``__main__``)."""
    found: list[ast.stmt] = []
    pending = list(tree.body)
    while pending:
        node = pending.pop(0)
        if isinstance(node, ast.Try) or (isinstance(node, ast.If) and not _asks_main(node.test)):
            pending = [*node.body, *node.orelse, *pending]
        else:
            found.append(node)
    return found


def _required(node: ast.FunctionDef) -> bool:
    """Return whether a factory has arguments without a default."""
    return len(node.args.args) + len(node.args.posonlyargs) > len(node.args.defaults) or None in node.args.kw_defaults


def _imported(tree: ast.Module, package: str = "") -> dict[str, str]:
    """Return local name → full name of everything that is imported anywhere in the module; ``*`` names the last star import.

    :param package: what relative imports start from.
    """
    names = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for one in node.names:
                names[one.asname or one.name.split(".")[0]] = one.name if one.asname else one.name.split(".")[0]
        elif isinstance(node, ast.ImportFrom):
            parts = package.split(".") if node.level and package else []
            parts = [*parts[: len(parts) - node.level + 1], *([node.module] if node.module else [])]
            for one in node.names:
                names[one.asname or one.name] = ".".join(parts) if one.name == "*" else ".".join([*parts, one.name])
    return names


def _resolved(function: ast.expr, names: dict[str, str]) -> str:
    parts = []
    while isinstance(function, ast.Attribute):
        parts.append(function.attr)
        function = function.value
    if not isinstance(function, ast.Name):
        return ""
    full = ".".join([names.get(function.id, function.id), *reversed(parts)])
    starred = f"{names['*']}.{full}" if "*" in names and function.id not in names else ""
    return starred if starred in CLASSES else full


def _module(source: Source, path: str, tree: ast.Module) -> tuple[str, str]:
    """Return a file's import name and the folder that has to be on the path for it.

    A folder that is no package is one when its modules import each other by their bare names.
    """
    folder = path.split("/")[0] if "/" in path else ""
    is_root = folder == "src" or any(_lies_in(source, folder, name) and not _lies_in(source, "", name) for name in _absolute(tree))
    root = folder if folder and is_root and not source.has(f"{folder}/__init__.py") else ""
    inside = path.removeprefix(f"{root}/") if root else path
    return inside.removesuffix(".py").removesuffix("/__init__").replace("/", "."), root


def _absolute(tree: ast.Module) -> set[str]:
    """Return the top-level names of all imports that are not relative."""
    nodes = list(ast.walk(tree))
    names = {one.name for node in nodes if isinstance(node, ast.Import) for one in node.names}
    names |= {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module and not node.level}
    return {name.split(".")[0] for name in names}


def _lies_in(source: Source, folder: str, name: str) -> bool:
    base = f"{folder}/{name}" if folder else name
    return source.has(f"{base}.py") or source.has_folder(base)


def _asks_main(test: ast.expr) -> bool:
    return isinstance(test, ast.Compare) and isinstance(test.left, ast.Name) and test.left.id == "__name__"


def _is_script(source: Source, path: str) -> bool:
    tree = _parse(source, path)
    if any(isinstance(node, ast.If) and _asks_main(node.test) for node in tree.body):
        return True
    kinds = (ast.Expr, ast.For, ast.While, ast.With, ast.Try, ast.If)  # a file that does something when it runs, docstrings apart
    return any(isinstance(node, kinds) and not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)) for node in tree.body)
