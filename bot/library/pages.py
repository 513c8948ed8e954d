"""What the library holds: pages in two languages, and the questions that lead to each intent."""

from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from bot.messages import LANGUAGES, Language

CRISIS = ("crisis-suicide", "crisis-danger", "crisis-abuse")
NONE = "none"
# What a new page says under `checked` and `translates`, in both languages: no person has compared it yet.
NOT_YET = "no"
_Compared = BeforeValidator(lambda text: None if text == NOT_YET else text)


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
    checked: Annotated[date | None, _Compared] = None
    review_by: date | None = None
    translates: Annotated[str | None, _Compared] = None


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
    def not_compared(self) -> frozenset[str]:
        """The keys that say that no person has compared the page yet. As long as there is one, the page is told to nobody."""
        return frozenset(key for key in self.front.model_fields_set & {"checked", "translates"} if getattr(self.front, key) is None)

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

    @cached_property
    def finished(self) -> "Library":
        """What residents may be told: without the pages that no person has compared, and the questions that would lead to them alone. Crisis pages are always told."""
        pages = {key: page for key, page in self.pages.items() if page.id in CRISIS or not page.not_compared}
        lost = {id_ for _, id_ in self.pages} - {id_ for _, id_ in pages}
        return replace(self, pages=pages, questions=tuple(q for q in self.questions if q.intent not in lost)) if len(pages) < len(self.pages) else self

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
