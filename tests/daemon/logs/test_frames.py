"""From the engine's frames to lines, and what is said when the engine dropped some."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rw_daemon.runtimes.docker_frames import LAPPED, Frames

START = 1767225600
"""The first second of 2026."""


def frame(second: float, text: str, stream: int = 1) -> bytes:
    body = f"2026-01-01T00:00:{second:012.9f}Z {text}".encode()
    return bytes([stream, 0, 0, 0]) + len(body).to_bytes(4, "big") + body


def lines(frames: Frames, *data: bytes) -> list[str]:
    return [line.text for one in data for line in frames.feed(one)]


ALL = [frame(second, f"line {second}\n") for second in range(1, 12)]


def test_a_reading_goes_on_without_a_lost_or_doubled_line_at_every_place() -> None:
    whole = lines(Frames(), *ALL)
    for stopped in range(len(ALL) + 1):
        first = Frames()
        before = lines(first, *ALL[:stopped])
        since = float(first.since)
        again = [one for second, one in enumerate(ALL, start=1) if START + second >= since]
        assert before + lines(Frames(first.cursor), *again) == whole


BACK = [*range(10, 30), *range(2, 40, 2)]
"""Seconds, as a clock tells them that is set back after twenty lines."""


def each_that_fits(seconds: list[int], since: float) -> list[int]:
    """What an older engine returns: it looks at each frame."""
    return [second for second in seconds if START + second >= since]


def from_the_first_that_fits(seconds: list[int], since: float) -> list[int]:
    """What a newer engine returns: all from the first one on."""
    return seconds[next((at for at, second in enumerate(seconds) if START + second >= since), len(seconds)) :]


@pytest.mark.parametrize(("answered", "earliest"), [(each_that_fits, 21), (from_the_first_that_fits, 0)])
def test_a_clock_that_is_set_back_loses_no_line_and_doubles_none(answered: Callable[[list[int], float], list[int]], earliest: int) -> None:
    """An older engine keeps back what was printed meanwhile, where the clock was set back while nobody read."""

    def framed(seconds: list[int]) -> list[bytes]:
        return [frame(second, f"line {second}\n") for second in seconds]

    whole = [f"line {second}" for second in BACK]
    assert lines(Frames(), *framed(BACK)) == whole
    for stopped in range(earliest, len(BACK) + 1):
        first = Frames()
        before = lines(first, *framed(BACK[:stopped]))
        assert before + lines(Frames(first.cursor), *framed(answered(BACK, float(first.since)))) == whole


def test_what_the_engine_dropped_meanwhile_is_told() -> None:
    first = Frames()
    assert lines(first, *ALL[:6]) == [f"line {second}" for second in range(1, 7)]
    assert lines(Frames(first.cursor), *ALL[8:]) == [LAPPED, "line 9", "line 10", "line 11"]


def test_a_line_of_several_frames_and_half_a_character_is_one() -> None:
    euro = "€".encode()
    half = frame(1, "")[: -0 or None]
    body = half[8:] + b"price " + euro[:1]
    first = bytes([1, 0, 0, 0]) + len(body).to_bytes(4, "big") + body
    body = half[8:] + euro[1:] + b"\n"
    second = bytes([1, 0, 0, 0]) + len(body).to_bytes(4, "big") + body
    assert lines(Frames(), first + second) == ["price €"]
