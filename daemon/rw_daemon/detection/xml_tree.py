"""XML as a plain tree of elements. No document type is read: so nothing expands, and nothing outside is asked for. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.parsers import expat

from rw_shared.errors import ConfigInvalidError


@dataclass
class Element:
    """One element. ``name`` comes without its namespace, ``text`` without space around it."""

    name: str
    text: str = ""
    children: list[Element] = field(default_factory=list)
    attributes: dict[str, str] = field(default_factory=dict)

    def all(self, path: str) -> Iterator[Element]:
        """Yield the elements at a path of names (``build/plugins/plugin``)."""
        first, _, rest = path.partition("/")
        for child in self.children:
            if child.name == first:
                yield from child.all(rest) if rest else (child,)

    def at(self, path: str) -> str:
        """Return the text of the first element at a path; empty when there is none."""
        return next((one.text for one in self.all(path)), "")

    def below(self, name: str) -> Iterator[Element]:
        """Yield all elements of that name at any depth."""
        pending = list(reversed(self.children))
        while pending:
            one = pending.pop()
            if one.name == name:
                yield one
            pending += reversed(one.children)


class _DocumentTypeError(Exception):
    pass


def parse(path: str, data: bytes) -> Element:
    """Return the root element of a document. ``ConfigInvalidError``: it is not well formed, or declares a document type.

    :param path: how the file is called in errors.
    """
    top = Element("")
    open_elements, parts = [top], [list[str]()]
    reader = expat.ParserCreate(namespace_separator=" ")

    def start(name: str, attributes: dict[str, str]) -> None:
        element = Element(name.rpartition(" ")[2], attributes=attributes)
        open_elements[-1].children.append(element)
        open_elements.append(element)
        parts.append([])

    def end(_name: str) -> None:
        open_elements.pop().text = "".join(parts.pop()).strip()

    def refuse(*_arguments: object) -> None:
        raise _DocumentTypeError

    reader.StartElementHandler, reader.EndElementHandler = start, end
    reader.CharacterDataHandler = lambda text: parts[-1].append(text)
    reader.StartDoctypeDeclHandler = refuse
    try:
        reader.Parse(data, True)  # noqa: FBT003 -- the library takes it by position only: this is all there is
    except _DocumentTypeError:
        raise ConfigInvalidError(path, "declares a document type, which is not read.", hint="Remove its DOCTYPE.") from None
    except expat.ExpatError as error:
        raise ConfigInvalidError(path, f"is not valid XML: {error}") from None
    except (LookupError, ValueError) as error:
        raise ConfigInvalidError(path, f"is written in an encoding that is not known: {error}") from None
    return top.children[0]
