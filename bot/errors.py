"""Every error that is raised on purpose. The class docstring is the message; the fields are the facts."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal


class FaroError(Exception):
    """Faro could not go on."""

    def __str__(self) -> str:
        return self.__doc__ or "error"


@dataclass
class SettingError(FaroError):
    """A setting is missing or wrong."""

    setting: str
    problem: str
    mend: str

    def __str__(self) -> str:
        return f"{self.setting}: {self.problem}\n  What to do: {self.mend}"


Severity = Literal["error", "warning", "note"]


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Something in a content file that somebody should look at. What it says in words stands in locale/ under its code; an error keeps the file from being used."""

    path: Path
    line: int
    code: str
    severity: Severity = "error"
    column: int | None = None
    values: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.code}"


def errors_among(problems: Iterable[Problem]) -> list[Problem]:
    """Those that keep content from being used."""
    return [problem for problem in problems if problem.severity == "error"]


@dataclass
class ContentError(FaroError):
    """The content cannot be used as it is."""

    problems: list[Problem]

    def __str__(self) -> str:
        return "\n".join(str(p) for p in self.problems)


@dataclass
class CannotDo(FaroError):
    """A volunteer asked for what cannot be done; told in the volunteer's language."""

    told: str

    def __str__(self) -> str:
        return self.told


@dataclass
class NoBackup(FaroError):
    """The database could not be saved or put back. What it says in words stands in locale/ under its code."""

    code: str
    values: Mapping[str, str] = field(default_factory=dict)


class DatabaseAway(FaroError):
    """The database does not answer."""


class DatabaseRefuses(DatabaseAway):
    """The database answered that it will never take this."""


@dataclass
class NotGenuine(FaroError):
    """A request did not prove that it comes from the vendor."""

    reason: str


@dataclass
class BadRequest(FaroError):
    """A request could not be read."""

    reason: str


@dataclass
class TooLarge(BadRequest):
    """A request is larger than we read."""


@dataclass
class FeedTrouble(FaroError):
    """A feed gave nothing that can be used. `wait`: the seconds that it asks to be left alone."""

    reason: str
    wait: float | None = None


@dataclass
class NoShelter(FaroError):
    """A coordinator named no shelter that can be opened or closed; `code` says what is wrong, for the words."""

    code: str
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass
class NotStandard(FaroError):
    """What was to be imported is not HSDS, or cannot be read. What it says in words stands in locale/ under its code."""

    code: str
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass
class NotToBeSent(FaroError):
    """A broadcast lacks something, or is not to be moved on by this person; `code` says which, for the words of the studio and the command line."""

    code: str
    values: Mapping[str, str] = field(default_factory=dict)
