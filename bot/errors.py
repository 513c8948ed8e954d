"""Every error that is raised on purpose. The class docstring is the message; the fields are the facts."""

from dataclasses import dataclass
from pathlib import Path


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


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Something wrong in a content file, and how to mend it."""

    path: Path
    line: int
    what: str
    mend: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.what} {self.mend}"


@dataclass
class ContentError(FaroError):
    """The content cannot be used as it is."""

    problems: list[Problem]

    def __str__(self) -> str:
        return "\n".join(str(p) for p in self.problems)


@dataclass
class NotGenuine(FaroError):
    """A request did not prove that it comes from the vendor."""

    reason: str


@dataclass
class BadRequest(FaroError):
    """A request could not be read."""

    reason: str
