#!/bin/sh
# Installs, tries, tests and removes rw. Needs no root, only Python 3.11 or newer. Safe to run again.
#
#   ./install.sh              install the rw command for this user
#   ./install.sh try          install it and put a sample app online
#   ./install.sh test [--full]   run every check and test
#   ./install.sh uninstall    stop and remove everything that rw made for this user
set -eu

here=$(cd "$(dirname "$0")" && pwd)
data=${XDG_DATA_HOME:-$HOME/.local/share}/rw
bin=$HOME/.local/bin

say() { printf 'rw: %s\n' "$*" >&2; }
fail() { say "$1"; [ $# -lt 2 ] || say "  type: $2"; exit 1; }

find_python() { # the first Python that is new enough, as a path
    for name in "${PYTHON:-python3}" python3.14 python3.13 python3.12 python3.11 python3; do
        path=$(command -v "$name" 2>/dev/null) || continue
        "$path" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { "$path" -c 'import sys; print(sys.executable)'; return 0; }
    done
    if command -v apt-get >/dev/null; then hint='sudo apt-get install python3 python3-venv'
    elif command -v dnf >/dev/null; then hint='sudo dnf install python3'
    elif command -v brew >/dev/null; then hint='brew install python'
    else hint='install Python from your system, then run this again'; fi
    fail 'Python 3.11 or newer is needed and was not found.' "$hint"
}

make_venv() { # FOLDER: an environment with uv in it, whether or not this machine has uv
    python=$(find_python)
    if ! "$1/bin/python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        rm -rf "$1"
        if command -v uv >/dev/null; then uv venv --quiet --python "$python" "$1"
        else "$python" -m venv "$1" || fail "$python cannot make virtual environments." 'sudo apt-get install python3-venv'; fi
    fi
}

find_uv() { # FOLDER: a uv command, installed into the environment where the machine has none
    command -v uv 2>/dev/null && return 0
    [ -x "$1/bin/uv" ] || "$1/bin/python" -m pip install --quiet --disable-pip-version-check 'uv>=0.5' >&2 || fail 'uv could not be installed; is there a network?'
    printf '%s\n' "$1/bin/uv"
}

install() {
    make_venv "$data/venv"
    uv=$(find_uv "$data/venv")
    say "installing into $data/venv"
    "$uv" pip install --quiet --python "$data/venv/bin/python" --reinstall-package rw-deploy "$here"
    mkdir -p "$bin"
    ln -sf "$data/venv/bin/rw" "$bin/rw"
    say "$("$bin/rw" version | head -n 1) is at $bin/rw"  # its second line is of the daemon
    case ":$PATH:" in *":$bin:"*) ;; *) say "$bin is not on your PATH; type: export PATH=\"$bin:\$PATH\"" ;; esac
}

try() {
    install
    app=$data/hello
    RW_TARGET=$(choose_target)
    export RW_TARGET
    [ -d "$app" ] || said=$("$bin/rw" init "$app" --template flask 2>&1) || fail "$said"
    url=$("$bin/rw" up "$app" --project hello | tail -n 1)
    printf '%s answers: %s\n' "$url" "$(answer_of "$url")"
    say "the app is in $app: edit it, then type: rw up $app"
}

answer_of() { # URL: what it answers; not every C library knows that *.localhost is this machine
    "$data/venv/bin/python" - "$1" <<'PY'
import http.client, sys, urllib.parse
url = urllib.parse.urlsplit(sys.argv[1])
connection = http.client.HTTPConnection("127.0.0.1", url.port, timeout=10)
connection.request("GET", "/", headers={"Host": url.netloc})
print(connection.getresponse().read().decode().strip())
PY
}

choose_target() { # docker where an engine answers and has or gets the base image, else processes
    if [ -n "${RW_TARGET:-}" ]; then printf '%s' "$RW_TARGET"; return; fi
    if command -v docker >/dev/null && docker info >/dev/null 2>&1; then
        if docker image inspect python:3.13-slim >/dev/null 2>&1 || timeout 120 docker pull --quiet python:3.13-slim >/dev/null 2>&1; then
            say 'a Docker engine answers: the app runs in a container'
            printf docker; return
        fi
        say 'the Docker engine cannot get python:3.13-slim: the app runs as a plain process'
    else
        say 'no Docker engine answers: the app runs as a plain process'
    fi
    printf process
}

run_tests() {
    make_venv "$here/.venv"
    uv=$(find_uv "$here/.venv")
    cd "$here"
    "$uv" sync --quiet --locked
    say 'ruff'; .venv/bin/ruff check --quiet . && .venv/bin/ruff format --check --quiet .
    say 'mypy'; .venv/bin/mypy
    say 'import-linter'; .venv/bin/lint-imports >.venv/lint-imports.log || { cat .venv/lint-imports.log; exit 1; }
    say 'pytest'
    if [ "${1:-}" = --full ]; then two_at_once
    else two_at_once -m 'not full'; fi
}

two_at_once() { # pytest's options: files of tests run in two rows, in their order, since the longest ones are in the middle
    exec .venv/bin/pytest -q -n 2 --dist loadfile --no-loadscope-reorder "$@"
}

uninstall() {
    state=${RW_HOME:-${XDG_STATE_HOME:-$HOME/.local/state}/rw}
    if [ -x "$data/venv/bin/rw" ]; then
        "$data/venv/bin/rw" daemon stop --everything --yes >/dev/null || fail 'What rw runs could not be taken down.' "$bin/rw daemon logs"
    fi
    rm -rf "$data" "$state"
    [ ! -L "$bin/rw" ] || rm -f "$bin/rw"
    if command -v docker >/dev/null && images=$(docker image ls --quiet --filter label=rw.key 2>/dev/null) && [ -n "$images" ]; then
        # shellcheck disable=SC2086 # one word for each image
        docker image rm --force $images >/dev/null 2>&1 || say 'some images that rw built are in use and stay'
    fi
    say 'removed'
}

case ${1:-install} in
    install) install ;;
    try) try ;;
    test) shift; run_tests "$@" ;;
    uninstall) uninstall ;;
    *) sed -n '2,7s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
