"""The sentences of the code, in gettext catalogs read by Babel; dates and lists in the language's own form."""

from collections.abc import Sequence
from datetime import date, datetime
from functools import cache
from pathlib import Path

from babel.dates import format_date, format_time
from babel.lists import format_list
from babel.messages.pofile import read_po

from bot.messages import LANGUAGES, Language
from bot.settings import ROOT

LOCALES: dict[Language, str] = {"en": "en_US", "es": "es_US"}


class Words:
    """Every sentence by its key, in both languages."""

    def __init__(self, folder: Path) -> None:
        self._sentences = {language: _read_all(folder / language / "LC_MESSAGES") for language in LANGUAGES}

    def say(self, key: str, language: Language, /, **values: object) -> str:
        """The sentence of a key with its values put in; {contact} references stay. An unknown key is a KeyError: a test finds it, no resident sees it."""
        sentence = self._sentences[language][key]
        for name, value in values.items():
            sentence = sentence.replace(f"{{{name}}}", str(value))
        return sentence

    def keys(self, language: Language) -> frozenset[str]:
        return frozenset(self._sentences[language])

    @staticmethod
    def day(day: date, language: Language) -> str:
        """'Wednesday, December 16' / 'miércoles, 16 de diciembre'."""
        pattern = "EEEE, MMMM d" if language == "en" else "EEEE d 'de' MMMM"
        return format_date(day, format=pattern, locale=LOCALES[language])

    @staticmethod
    def hour(moment: datetime, language: Language) -> str:
        return format_time(moment, format="short", locale=LOCALES[language], tzinfo=moment.tzinfo).replace("\N{NARROW NO-BREAK SPACE}", " ").replace("\N{NO-BREAK SPACE}", " ")

    def until(self, moment: datetime, now: datetime, language: Language) -> str:
        """'9:15 PM' of today, 'Thursday 9:15 AM' of another day; both moments in the zone they are to be told in."""
        hour = self.hour(moment, language)
        return hour if moment.date() == now.date() else f"{format_date(moment.date(), format='EEEE', locale=LOCALES[language])} {hour}"

    @staticmethod
    def listing(items: Sequence[str], language: Language, style: str = "or") -> str:
        return format_list(items, style=style, locale=LOCALES[language])  # type: ignore[arg-type]


@cache
def load_words() -> Words:
    """The sentences of this Faro, read once in a process."""
    return Words(ROOT / "locale")


def _read_all(folder: Path) -> dict[str, str]:
    """Every catalog of a language: faro.po for residents, the others for those who keep Faro."""
    return {key: sentence for path in sorted(folder.glob("*.po")) for key, sentence in _read(path).items()}


def _read(path: Path) -> dict[str, str]:
    with path.open("rb") as file:
        catalog = read_po(file)
    return {str(message.id): str(message.string) for message in catalog if message.id and message.string}
