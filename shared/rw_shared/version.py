"""The version that both processes compare when they meet."""

VERSION = "0.1.0"
"""The one place: the package takes its version from here, and reading its metadata would cost every command 30 ms."""
SCHEMA = "rw/v1"


def newer(one: str, other: str) -> bool:
    """Return whether version ``one`` came after ``other``; both are dotted numbers (``0.1.0``), a suffix is passed over."""

    def key(text: str) -> tuple[int, ...]:
        return tuple(int(part) for part in text.split("+")[0].split(".") if part.isdigit())

    return key(one) > key(other)
