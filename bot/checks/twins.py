"""A page and the same page in the other language: both there, the Spanish made from this English, the same facts in both."""

import re
from collections.abc import Iterator
from difflib import ndiff

from bot.checks.history import english_as_translated
from bot.checks.subject import TO_WRITE, Source, Subject
from bot.directory.references import REFERENCE
from bot.errors import Problem, Severity
from bot.library.pages import Page
from bot.messages import LANGUAGES, Language

STOP_WORDS: dict[Language, frozenset[str]] = {
    "en": frozenset("the and you your is are this that with for of not from have what will can if when they do it or to my we how be was there at in on i".split()),
    "es": frozenset("el los las usted su que para con del una por si se lo en es un al como le y de la mi me qué más o está yo hay donde dónde".split()),
}
MOST_LINES = 6
_URL = re.compile(r"(?:https?://|www\.)[^\s)\]]+|\b[\w-]+\.(?:org|gov|com|net)\b[\w/.-]*")
_MONEY = re.compile(r"\$\s?\d[\d,]*(?:\.\d+)?")
_TIME = re.compile(r"\b(\d{1,2})(?::(\d\d))?\s*(?:([ap])\.?\s?m\b\.?|de la (mañana|tarde|noche))", re.IGNORECASE)
_NUMBER = re.compile(r"(?<![\w{$.,])\d+(?:[.,]\d+)*(?![\w}])")
# 'press 2 for Spanish' stands in one language only.
_PRESSED = re.compile(r"(?:press|marquen?|opriman?|presione|opci[oó]n|option)\s+(?:el\s+)?\d", re.IGNORECASE)
_IN_WORDS = {
    "1": "one a an un una uno once", "2": "two twice both dos ambos", "3": "three tres", "4": "four cuatro", "5": "five cinco", "6": "six seis", "7": "seven siete week semana",
    "8": "eight ocho", "9": "nine nueve", "10": "ten diez", "12": "twelve doce noon mediodía día", "15": "fifteen quince", "20": "twenty veinte", "24": "day días día hora uno one", "30": "thirty treinta half media", "48": "two dos",
}  # fmt: skip


def check_twin(source: Source, subject: Subject) -> Iterator[Problem]:
    page = source.page
    twin = next((subject.library.pages.get((other, page.id)) for other in LANGUAGES if other != page.language), None)
    if twin is None:
        other: Language = "es" if page.language == "en" else "en"
        if not subject.stands(other, page.path.name):
            yield source.problem("twin-missing", 1)
    elif page.language == "es":
        if "translates" in page.not_compared:
            yield source.problem("not-compared", source.key("translates"), id=page.id, fingerprint=twin.fingerprint)
        if page.front.translates and page.front.translates != twin.fingerprint:
            changed = _changed(page.front.translates, twin)
            yield source.problem("twin-stale", source.key("translates"), id=page.id, fingerprint=twin.fingerprint, changed=changed)
        yield from _facts(source, twin)


def check_language(source: Source, subject: Subject) -> Iterator[Problem]:
    """A line that was left in the other language."""
    for line in source.told:
        if "http" not in line.text and (said := other_language(line.text, source.page.language)):
            yield source.problem(f"language-{said}", line.number, "warning")


def other_language(text: str, language: Language) -> Language | None:
    """The language of a text when it is plainly not the one it should be."""
    counts = {k: sum(word in stops for word in re.findall(r"\w+", text.lower())) for k, stops in STOP_WORDS.items()}
    other: Language = "es" if language == "en" else "en"
    return other if counts[other] >= 3 and counts[other] > 2 * counts[language] else None


def _changed(translated: str, english: Page) -> str:
    """The lines of the English page that are new since it was translated, when git remembers that day."""
    before = english_as_translated(english, translated)
    if before is None:
        return ""
    now = f"{english.front.title}\n{english.front.sms}\n{english.text}"
    then = f"{before.front.title}\n{before.front.sms}\n{before.text}"
    lines = [line for line in ndiff(then.split("\n"), now.split("\n")) if line[:1] in "+-" and line[2:].strip()]
    more = [f"... ({len(lines) - MOST_LINES})"] if len(lines) > MOST_LINES else []
    return "".join(f"\n      {line}" for line in [*lines[:MOST_LINES], *more])


def _facts(source: Source, twin: Page) -> Iterator[Problem]:
    ours, theirs = (facts(f"{page.front.sms}\n{page.text}") for page in (source.page, twin))
    for kind in ours:
        only_here, only_there = ours[kind] - theirs[kind], theirs[kind] - ours[kind]
        # An address may lead to the Spanish half of a site.
        severity: Severity = "note" if kind == "urls" else "warning"
        if kind == "numbers":
            only_here, only_there = _not_in_words(only_here, twin), _not_in_words(only_there, source.page)
        for fact in sorted(only_here):
            line = next((line.number for line in source.told if fact in line.text), 1)
            yield source.problem("fact-only-here", line, severity, fact=fact)
        for fact in sorted(only_there):
            yield source.problem("fact-only-there", source.prose[0].number, severity, fact=fact)


def facts(text: str) -> dict[str, set[str]]:
    """What must be the same in both languages. Websites of contacts may have a Spanish twin: their references do not count."""
    found = {"references": {m[0] for m in REFERENCE.finditer(text) if m[2] != "website" and not TO_WRITE.fullmatch(m[0])}}
    text = _PRESSED.sub(" ", REFERENCE.sub(" ", text))
    for kind, pattern in (("urls", _URL), ("amounts", _MONEY), ("times", _TIME)):
        found[kind] = {_same_form(kind, match) for match in pattern.finditer(text)}
        text = pattern.sub(" ", text)
    found["numbers"] = {re.sub(r"[.,](?=\d{3}\b)", "", m[0]) for m in _NUMBER.finditer(text)}
    return found


def _same_form(kind: str, match: re.Match[str]) -> str:
    if kind == "times":
        half = match[3].lower() if match[3] else "a" if match[4].lower() == "mañana" else "p"
        return f"{int(match[1])}:{match[2] or '00'} {half}.m."
    return match[0].replace(" ", "").rstrip(".,/")


def _not_in_words(numbers: set[str], page: Page) -> set[str]:
    said = set(re.findall(r"\w+", f"{page.front.sms}\n{page.text}".lower()))
    return {number for number in numbers if not said & set(_IN_WORDS.get(number, "").split())}
