"""Lines put together from frames, for every way a frame can cut them."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rw_daemon.processes.segments import FRAME, SegmentReader, parse


def write(folder: Path, frames: list[tuple[int, bytes]], *, segment: int = 0) -> None:
    folder.mkdir(exist_ok=True)
    with (folder / f"{segment:08d}.seg").open("ab") as file:
        for stream, data in frames:
            file.write(FRAME.pack(1_700_000_000_000_000_000, stream, len(data)) + data)


def texts(folder: Path, *, after: str = "", limit: int = 1024**2) -> list[tuple[str, str, str]]:
    reader, found = SegmentReader(folder, after=after, line_limit=limit), []
    while batch := reader.read():
        found += batch
    found += reader.flush()
    reader.close()
    return [(line.stream, line.text, line.cursor) for line in found]


@pytest.mark.parametrize(
    ("frames", "lines"),
    [
        pytest.param([(1, b"a\nb\n")], ["a", "b"], id="two lines in a frame"),
        pytest.param([(1, b"a"), (1, b"b\n")], ["ab"], id="a line in two frames"),
        pytest.param([(1, "é\n".encode()[:1]), (1, "é\n".encode()[1:])], ["é"], id="a character in two frames"),
        pytest.param([(1, b"x\ry\r\n")], ["x\ry\r"], id="carriage returns stay"),
        pytest.param([(1, b"\n\n")], ["", ""], id="empty lines"),
        pytest.param([(1, b"end")], ["end"], id="no newline at the end"),
        pytest.param([(1, b"\xff\xfe\n")], ["\ufffd\ufffd"], id="not UTF-8"),
        pytest.param([(1, b"o"), (2, b"e\n"), (1, b"k\n")], ["e", "ok"], id="two streams that cut into each other"),
    ],
)
def test_lines_from_frames(tmp_path, frames, lines):
    write(tmp_path / "out", frames)
    assert [text for _, text, _ in texts(tmp_path / "out")] == lines


def test_a_line_beyond_the_limit_is_cut_between_characters(tmp_path):
    write(tmp_path / "out", [(1, ("ü" * 25 + "\n").encode())])
    found = [text for _, text, _ in texts(tmp_path / "out", limit=11)]
    assert "".join(found) == "ü" * 25
    assert all(len(text.encode()) <= 11 for text in found)


def test_a_torn_frame_before_a_newer_segment_is_skipped(tmp_path):
    write(tmp_path / "out", [(1, b"a\n")])
    with (tmp_path / "out" / "00000000.seg").open("ab") as file:
        file.write(FRAME.pack(1, 1, 100) + b"torn")
    write(tmp_path / "out", [(1, b"b\n")], segment=1)
    assert [text for _, text, _ in texts(tmp_path / "out")] == ["a", "b"]


def test_a_torn_frame_at_the_end_is_waited_for(tmp_path):
    write(tmp_path / "out", [(1, b"a\n")])
    reader = SegmentReader(tmp_path / "out")
    assert [line.text for line in reader.read()] == ["a"]
    path = tmp_path / "out" / "00000000.seg"
    frame = FRAME.pack(1, 1, 2) + b"b\n"
    with path.open("ab") as file:
        file.write(frame[:14])
    assert reader.read() == []
    with path.open("ab") as file:
        file.write(frame[14:])
    assert [line.text for line in reader.read()] == ["b"]
    reader.close()


def test_dropped_segments_are_told_and_the_reader_goes_on(tmp_path):
    write(tmp_path / "out", [(1, b"a\n")])
    cursor = texts(tmp_path / "out")[0][2]
    (tmp_path / "out" / "00000000.seg").unlink()
    write(tmp_path / "out", [(1, b"d\n")], segment=3)
    found = texts(tmp_path / "out", after=cursor)
    assert [(stream, text) for stream, text, _ in found][1:] == [("stdout", "d")]
    assert found[0][0] == "rw"


def test_a_foreign_cursor_is_refused():
    with pytest.raises(ValueError, match=r"invalid literal|unpack"):
        parse("not-ours.x.y")


FRAMES = st.lists(st.tuples(st.sampled_from([1, 2]), st.text(alphabet="ab\né", max_size=8).map(str.encode)), max_size=12)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(frames=FRAMES, limit=st.integers(2, 9), data=st.data())
def test_resuming_after_any_line_yields_exactly_the_rest(tmp_path_factory, frames, limit, data):
    folder = tmp_path_factory.mktemp("out")
    half = len(frames) // 2
    write(folder, frames[:half])
    write(folder, frames[half:], segment=1)
    whole = texts(folder, limit=limit)
    if whole:
        at = data.draw(st.integers(0, len(whole) - 1))
        rest = texts(folder, after=whole[at][2], limit=limit)
        finished = [line[:2] for line in whole[at + 1 :]]
        assert [line[:2] for line in rest] == finished
