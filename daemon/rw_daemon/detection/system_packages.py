"""Which Debian packages a dependency needs beside it: a table, looked up by parsed names, never by text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rw_daemon.plans.plan import Origin, Packages

Needs = tuple[tuple[str, ...], tuple[str, ...]]
"""Packages to compile it, and packages to run it."""

COMPILER = ("gcc", "libc6-dev")  # the headers are only recommended, and apt is told to leave out what is
GEO_DJANGO = "django.contrib.gis"
# Only what has no wheels, or calls a library or a program that its wheel leaves out. Where a release of Debian renamed a library, the
# older name stands here: the newer release still answers to it.
PYTHON: Mapping[str, Needs] = {
    "cairocffi": ((), ("libcairo2",)),
    "cairosvg": ((), ("libcairo2",)),
    "camelot-py": ((), ("ghostscript",)),
    GEO_DJANGO: ((), ("gdal-bin",)),  # with it come GEOS and PROJ, whatever their versions are called
    "django-auth-ldap": ((*COMPILER, "libldap-dev", "libsasl2-dev"), ("ldap-utils", "libsasl2-2")),
    "ffmpeg-python": ((), ("ffmpeg",)),
    "gdal": (("g++", "libgdal-dev"), ("gdal-bin",)),
    "ghostscript": ((), ("ghostscript",)),
    "graphviz": ((), ("graphviz",)),
    "gssapi": ((*COMPILER, "libkrb5-dev"), ("libgssapi-krb5-2",)),
    "mariadb": ((*COMPILER, "libmariadb-dev"), ("libmariadb3",)),
    "mysqlclient": ((*COMPILER, "pkg-config", "default-libmysqlclient-dev"), ("libmariadb3",)),
    "opencv-contrib-python": ((), ("libgl1", "libglib2.0-0")),
    "opencv-python": ((), ("libgl1", "libglib2.0-0")),
    "pdf2image": ((), ("poppler-utils",)),
    "psycopg": ((), ("libpq5",)),
    "psycopg-c": ((*COMPILER, "libpq-dev"), ("libpq5",)),
    "psycopg2": ((*COMPILER, "libpq-dev"), ("libpq5",)),
    "pyaudio": ((*COMPILER, "portaudio19-dev"), ("libportaudio2",)),
    "pycairo": ((*COMPILER, "pkg-config", "libcairo2-dev"), ("libcairo2",)),
    "pydub": ((), ("ffmpeg",)),
    "pygraphviz": ((*COMPILER, "libgraphviz-dev"), ("graphviz",)),
    "pyodbc": (("g++", "unixodbc-dev"), ("unixodbc",)),
    "pytesseract": ((), ("tesseract-ocr",)),
    "python-ldap": ((*COMPILER, "libldap-dev", "libsasl2-dev"), ("ldap-utils", "libsasl2-2")),
    "python-magic": ((), ("libmagic1",)),
    "python3-saml": ((*COMPILER, "pkg-config", "libxmlsec1-dev"), ("libxmlsec1-openssl",)),
    "pyzbar": ((), ("libzbar0",)),
    "sounddevice": ((), ("libportaudio2",)),
    "uwsgi": (COMPILER, ()),
    "weasyprint": ((), ("libpango-1.0-0", "libpangoft2-1.0-0", "libharfbuzz-subset0")),
    "xmlsec": ((*COMPILER, "pkg-config", "libxmlsec1-dev"), ("libxmlsec1-openssl",)),
}
GYP = ("g++", "make", "python3")  # github.com/nodejs/node-gyp, where a package has no finished build for this Node
_CANVAS = ("libcairo2-dev", "libgif-dev", "libjpeg-dev", "libpango1.0-dev", "librsvg2-dev", "pkg-config")
_DRAWS = ("libcairo2", "libgif7", "libjpeg62-turbo", "libpango-1.0-0", "libpangocairo-1.0-0", "librsvg2-2")
NODE: Mapping[str, Needs] = {
    "@prisma/client": (("openssl",), ("openssl",)),  # by which Prisma tells its engines apart, and the slim images leave it out
    "bcrypt": (GYP, ()),
    "better-sqlite3": (GYP, ()),
    "canvas": ((*GYP, *_CANVAS), _DRAWS),
    "fluent-ffmpeg": ((), ("ffmpeg",)),
    "gm": ((), ("graphicsmagick",)),
    "imagemagick": ((), ("imagemagick",)),
    "isolated-vm": (GYP, ()),
    "libpq": ((*GYP, "libpq-dev"), ("libpq5",)),
    "node-pty": (GYP, ()),
    "node-rdkafka": ((*GYP, "librdkafka-dev", "libssl-dev"), ("librdkafka1",)),
    "odbc": ((*GYP, "unixodbc-dev"), ("unixodbc",)),
    "pg-native": ((*GYP, "libpq-dev"), ("libpq5",)),
    "prisma": (("openssl",), ("openssl",)),
    "re2": (GYP, ()),
    "serialport": (GYP, ()),
    "sqlite3": (GYP, ()),
}
BUNDLES = {"psycopg": "psycopg-binary"}
"""What needs nothing once another package stands beside it, which carries the library."""


def find(table: Mapping[str, Needs], names: Iterable[str]) -> tuple[Packages, dict[str, list[str]]]:
    """Return what ``names`` need, sorted, and which of them asked, by side of the plan: ``build`` and ``runtime``."""
    present = set(names)
    asking = sorted(name for name in present & table.keys() if BUNDLES.get(name) not in present)
    sides = {side: {name: needed for name in asking if (needed := table[name][index])} for index, side in enumerate(("build", "runtime"))}
    lists = {side: tuple(sorted({one for needed in asked.values() for one in needed})) for side, asked in sides.items()}
    return Packages.model_validate(lists), {side: list(asked) for side, asked in sides.items()}


def origins(packages: Packages, asked: Mapping[str, list[str]], place: str) -> dict[str, Origin]:
    """Return who asked for the packages of either side: ``libpq5`` from ``psycopg in requirements.txt``."""
    values = {"build": " ".join(packages.build), "runtime": " ".join(packages.runtime)}
    return {
        f"packages.{side}": Origin.model_validate({"value": value, "from": f"{', '.join(asked[side])} in {place}"})
        for side, value in values.items()
        if value
    }
