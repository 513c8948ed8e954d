"""What the library holds: pages in two languages, and the questions that lead to each intent."""

from dataclasses import dataclass, field
from datetime import date
from hashlib import blake2b
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from bot.messages import LANGUAGES, Language

CRISIS = ("crisis-suicide", "crisis-danger", "crisis-abuse")
NONE = "none"


class FrontMatter(BaseModel):
    """The keys at the head of a page. Only `id` and `title` must be there; `faro check` asks more of our own pages."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(pattern=r"^[\w-]+$")
    title: str = Field(min_length=1)
    keywords: tuple[str, ...] = ()
    sms: str = ""
    related: tuple[str, ...] = ()
    contacts: tuple[str, ...] = ()
    directory: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    checked: date | None = None
    review_by: date | None = None
    translates: str | None = None


@dataclass(frozen=True, kw_only=True)
class Page:
    """One page in one language. `text` is Markdown with {contact} references still in it."""

    front: FrontMatter
    language: Language
    section: str
    text: str = field(repr=False)
    path: Path

    @property
    def id(self) -> str:
        return self.front.id

    @property
    def fingerprint(self) -> str:
        """What a translation notes of the English it was made from: changes when title, short answer or prose do."""
        words = "\n".join(" ".join(part.split()) for part in (self.front.title, self.front.sms, self.text))
        return blake2b(words.encode(), digest_size=6).hexdigest()


@dataclass(frozen=True, kw_only=True)
class Question:
    """A message that people send when they want this intent."""

    text: str
    intent: str
    language: Language


@dataclass(frozen=True, kw_only=True)
class Library:
    """One reading of content/: never changed, replaced as a whole."""

    pages: dict[tuple[Language, str], Page]
    questions: tuple[Question, ...] = field(repr=False)
    lookalikes: tuple[Question, ...] = field(repr=False)

    def page(self, intent: str, language: Language) -> Page | None:
        """The page in that language, or in the other one when it is missing there."""
        return self.pages.get((language, intent)) or next((p for other in LANGUAGES if (p := self.pages.get((other, intent)))), None)

    def title(self, intent: str, language: Language) -> str | None:
        page = self.page(intent, language)
        return page.front.title if page else None

    @property
    def intents(self) -> tuple[str, ...]:
        """Every intent that has a page or questions, `none` left out."""
        named = {q.intent for q in self.questions} | {intent for _, intent in self.pages}
        return tuple(sorted(named - {NONE}))
