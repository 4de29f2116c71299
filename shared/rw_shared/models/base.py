"""What every noun is made of: frozen values, names, the scope of a project and an environment."""

from __future__ import annotations

from typing import Annotated, Any, Protocol

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints
from pydantic.alias_generators import to_camel


class Model(BaseModel):
    """A frozen value. Unknown keys are passed over, so that an older reader understands a newer writer."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True, extra="ignore")

    def wire(self) -> dict[str, Any]:
        """Return plain JSON values with camelCase keys."""
        return self.model_dump(mode="json", by_alias=True)


class Order(Model):
    """Something that a client asks for: here an unknown key is a mistake."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True, extra="forbid")


NAME_PATTERN = r"^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$"
Name = Annotated[str, StringConstraints(pattern=NAME_PATTERN)]
"""A project's, environment's or service's name: a DNS label of at most 40 characters."""


def _no_nul(text: str) -> str:
    if "\0" in text:
        raise ValueError("a NUL byte cannot stand in it")
    if any("\ud800" <= letter <= "\udfff" for letter in text):
        raise ValueError("half a surrogate pair cannot stand in it: it is no text that can be written")
    return text


Text = Annotated[str, AfterValidator(_no_nul), StringConstraints(max_length=4096)]
DEFAULT_ENVIRONMENT = "production"


def slug(text: str) -> str:
    """Return the nearest ``Name`` to ``text`` (a folder's name, say); ``app`` where nothing of it can stay."""
    kept = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in text.lower())
    return "-".join(part for part in kept.split("-") if part)[:40].strip("-") or "app"


class ErrorBody(Model):
    """The ``error`` object of contracts.md section 1."""

    code: str
    message: str
    why: str = ""
    hint: str = ""
    candidates: tuple[str, ...] = ()
    details: dict[str, Any] = {}


class Placed(Protocol):
    """Whatever belongs to an environment."""

    @property
    def project(self) -> str:
        """Its project's name."""
        ...

    @property
    def environment(self) -> str:
        """Its environment's name."""
        ...


class Scope(Model):
    """The environment of a project that something belongs to."""

    project: Name
    environment: Name

    @classmethod
    def of(cls, it: Placed) -> Scope:
        """Return where a deployment, a service or an operation belongs to."""
        return cls(project=it.project, environment=it.environment)

    def __str__(self) -> str:
        return f"{self.project}/{self.environment}"
