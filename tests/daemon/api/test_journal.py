"""The daemon's own log."""

import json
import logging
import stat

import pytest

from rw_daemon.api import journal


@pytest.fixture
def log(tmp_path):
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    root.handlers = []
    quiet = {name: logging.getLogger(name).level for name in journal.QUIET}
    path = tmp_path / "daemon.log"
    journal.write_to(path)
    yield path
    for handler in root.handlers:
        if isinstance(handler, journal.PrivateFiles):
            handler.close()
    root.handlers, root.level = before, level
    for name, old in quiet.items():
        logging.getLogger(name).setLevel(old)


def test_lines_are_objects_with_request_and_traceback(log):
    token = journal.request_id.set("req_1")
    try:
        raise ValueError("boom\nnext line")
    except ValueError:
        logging.getLogger("x").exception("it went %s", "wrong")
    journal.request_id.reset(token)
    logging.getLogger("x").debug("not shown")
    (line,) = [json.loads(text) for text in log.read_text().splitlines()]
    assert (line["level"], line["logger"], line["message"], line["request"]) == ("error", "x", "it went wrong", "req_1")
    assert "ValueError: boom" in line["traceback"]
    assert stat.S_IMODE(log.stat().st_mode) == 0o600


def test_files_rotate_and_stay_private(log, monkeypatch):
    (handler,) = [one for one in logging.getLogger().handlers if isinstance(one, journal.PrivateFiles)]
    monkeypatch.setattr(handler, "maxBytes", 2000)
    for number in range(200):
        logging.getLogger("x").info("line %d", number)
    files = sorted(log.parent.glob("daemon.log*"))
    assert len(files) == journal.FILES
    assert all(file.stat().st_size <= 2000 and stat.S_IMODE(file.stat().st_mode) == 0o600 for file in files)


def test_text_that_is_no_utf8_can_be_logged(log):
    logging.getLogger("x").info("file %s", "\udcff.txt")
    assert json.loads(log.read_text())["message"] == "file ?.txt"
