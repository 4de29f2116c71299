"""Extensions of PHP: how each gets into an official image, and the Debian packages that it needs. Pure.

The same command serves both targets: what PHP has already is left alone, so that a machine's own PHP is only asked, and no table of what
an image contains has to be kept. Names of packages are those that Debian 12 and 13 share.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from rw_daemon.plans.plan import Packages

FOLDERS = ("/usr/local/lib/php/extensions", "/usr/local/etc/php/conf.d")
"""Where the official images keep extensions and the files that turn them on."""

BY_PECL = frozenset({"amqp", "apcu", "ds", "event", "excimer", "grpc", "igbinary", "imagick", "mailparse", "memcached", "mongodb"})
BY_PECL |= {"msgpack", "openswoole", "pcov", "protobuf", "rdkafka", "redis", "ssh2", "swoole", "uuid", "xdebug", "yaml", "zstd"}
# name → (packages to build it, packages to run it)
PACKAGES = {
    "gd": (("libfreetype6-dev", "libjpeg62-turbo-dev", "libpng-dev"), ("libfreetype6", "libjpeg62-turbo", "libpng16-16")),
    "gmp": (("libgmp-dev",), ("libgmp10",)),
    "imagick": (("libmagickwand-dev",), ("imagemagick",)),
    "intl": (("libicu-dev",), ("icu-devtools",)),
    "ldap": (("libldap-dev",), ("libldap-common",)),
    "memcached": (("libmemcached-dev", "zlib1g-dev"), ("libmemcached11",)),
    "amqp": (("librabbitmq-dev",), ("librabbitmq4",)),
    "pdo_pgsql": (("libpq-dev",), ("libpq5",)),
    "pgsql": (("libpq-dev",), ("libpq5",)),
    "rdkafka": (("librdkafka-dev",), ("librdkafka1",)),
    "soap": (("libxml2-dev",), ()),
    "ssh2": (("libssh2-1-dev",), ("libssh2-1",)),
    "tidy": (("libtidy-dev",), ("tidy",)),
    "uuid": (("uuid-dev",), ("libuuid1",)),
    "xsl": (("libxslt1-dev",), ("libxslt1.1",)),
    "yaml": (("libyaml-dev",), ("libyaml-0-2",)),
    "zip": (("libzip-dev",), ("ziptool",)),
}
CONFIGURE = {"gd": "docker-php-ext-configure gd --with-freetype --with-jpeg && "}
LOADED_AS = {"opcache": "Zend OPcache"}
# built into PHP or always in the official images: asking for them would only make plans longer
BUILT_IN = frozenset({"core", "ctype", "curl", "date", "dom", "fileinfo", "filter", "hash", "iconv", "json", "libxml", "mbstring"})
BUILT_IN |= {"openssl", "pcre", "pdo", "pdo_sqlite", "phar", "posix", "random", "readline", "reflection", "session", "simplexml", "sodium"}
BUILT_IN |= {"spl", "sqlite3", "standard", "tokenizer", "xml", "xmlreader", "xmlwriter", "zlib"}
_NAME = re.compile(r"[a-z][a-z0-9_]*")


def wanted(names: Iterable[str]) -> tuple[str, ...]:
    """Return the extensions that may have to be installed, sorted; what cannot be the name of one is left out."""
    return tuple(sorted({one for one in names if _NAME.fullmatch(one)} - BUILT_IN))


def commands(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return one command for each extension."""
    return tuple(f"php -r {_question(one)} || ({_install(one)})" for one in names)


def packages(names: tuple[str, ...]) -> Packages:
    """Return the Debian packages of extensions."""
    known = [PACKAGES[one] for one in names if one in PACKAGES]
    build, run = ({package for one in known for package in one[side]} for side in (0, 1))
    return Packages(build=tuple(sorted(build)), runtime=tuple(sorted(run)))


def _question(name: str) -> str:
    return f"""'exit(extension_loaded("{LOADED_AS.get(name, name)}") ? 0 : 1);'"""


def _install(name: str) -> str:
    if name in BY_PECL:
        return f"yes '' | pecl install {name} && docker-php-ext-enable {name}"
    return f"{CONFIGURE.get(name, '')}docker-php-ext-install -j2 {name}"
