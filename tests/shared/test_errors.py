"""Every error: a code of its own, the same on both sides of the socket, and a sentence that says what to do."""

from __future__ import annotations

import inspect
import json
import re
from typing import Any, get_args, get_origin, get_type_hints

import pytest

from rw_shared import errors
from rw_shared.errors import ConfigInvalidError, RwError, UnknownError

CLASSES = [one for _, one in inspect.getmembers(errors, inspect.isclass) if issubclass(one, RwError)]
CONCRETE = [one for one in CLASSES if one.__init__ is not RwError.__init__]
EXIT_CODES = set(range(1, 11))


def value(hint: Any) -> Any:
    """Return something for a constructor's parameter."""
    if hint is str:
        return "thing"
    if hint in {int, float, bool}:
        return hint(7)
    if get_origin(hint) in {tuple, list} or "Sequence" in str(hint):
        return ["one", "two"]
    if "Mapping" in str(hint):
        return {"lastLines": ["a", "b"]}
    return value(get_args(hint)[0])


def made(cls: type[RwError]) -> RwError:
    hints = get_type_hints(cls.__init__)
    arguments, words = [], {}
    for name, parameter in list(inspect.signature(cls.__init__).parameters.items())[1:]:
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY:
            words[name] = value(hints[name])
        else:
            arguments.append(value(hints[name]))
    return cls(*arguments, **words)


def test_codes_are_unique_and_spelled_alike():
    codes = [cls.code for cls in CLASSES if cls is not RwError]
    assert len(codes) == len(set(codes))
    assert [code for code in codes if not re.fullmatch(r"[A-Z][A-Z_]+", code)] == []


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_exit_codes_and_statuses_are_those_of_the_contract(cls: type[RwError]):
    assert cls.exit_code in EXIT_CODES
    assert 400 <= cls.status < 600


@pytest.mark.parametrize("cls", CONCRETE, ids=lambda cls: cls.__name__)
def test_an_error_travels_whole(cls: type[RwError]):
    error = made(cls)
    back = RwError.from_wire(json.loads(json.dumps(error.to_wire())))
    assert type(back) is cls
    assert back.to_wire() == error.to_wire()
    assert (back.exit_code, back.status, str(back)) == (cls.exit_code, cls.status, error.message)


@pytest.mark.parametrize("cls", CONCRETE, ids=lambda cls: cls.__name__)
def test_an_error_says_what_happened_and_what_to_do_next(cls: type[RwError]):
    error = made(cls)
    assert error.message.strip()
    assert error.hint.strip()
    assert "\n" not in error.message


def test_an_error_of_a_newer_daemon_keeps_its_words():
    wire = {"code": "FROM_TOMORROW", "message": "Something new.", "why": "Because.", "hint": "Wait."}
    error = RwError.from_wire(wire)
    assert isinstance(error, UnknownError)
    assert (error.message, error.why, error.hint, error.candidates, error.details) == ("Something new.", "Because.", "Wait.", (), {})


def test_a_second_class_with_a_taken_code_is_refused():
    with pytest.raises(TypeError, match="share the code CONFIG_INVALID"):
        type("Again", (RwError,), {"code": ConfigInvalidError.code})


def test_the_last_words_of_a_failing_program_stay():
    assert errors.clip(" abc \n") == "abc"
    assert errors.clip("x" * 10 + "end", 5) == "…xend"
