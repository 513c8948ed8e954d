"""What residents read: numbers typed by hand, words that hurt, Markdown that shows, letters that no screen has."""

import re
from collections.abc import Iterator

from bot.checks.carrier import carrier_matches
from bot.checks.subject import Line, Source, Subject
from bot.errors import Problem

TYPED_PHONE = re.compile(r"(?<![\w-])(?:1[-. ])?\(?\d{3}\)?[-. ]\d{3}[-. ]\d{4}(?!\w)")
LINK_BEGUN, LINK_WHOLE = re.compile(r"\]\("), re.compile(r"\[[^\[\]]+\]\([^()\s]+\)")


def check_prose(source: Source, subject: Subject) -> Iterator[Problem]:
    for match, line in source.found(TYPED_PHONE, source.told):
        yield source.problem("phone-typed", line.number, column=match.start() + 1, phone=match[0])
    whole = "\n".join(line.text for line in source.told).lower()
    for harsh in (h for h in subject.harsh if h.language == source.page.language and h.words in whole):
        for match, line in source.found(harsh.pattern, source.told):
            yield source.problem("word-harsh", line.number, "warning", match.start() + 1, word=match[0], gentler=harsh.gentler)
    for line in source.told:
        for match in carrier_matches(line.text):
            yield source.problem("carrier-word", line.number, column=match.start() + 1, words=match[0])
    for block in source.blocks():
        yield from _markdown(source, block)


def _markdown(source: Source, block: list[Line]) -> Iterator[Problem]:
    text = "\n".join(line.text for line in block)
    if text.count("**") % 2:
        yield source.problem("markdown-bold", _last_with(block, "**"), "warning")
    if len(LINK_BEGUN.findall(text)) > len(LINK_WHOLE.findall(text)):
        yield source.problem("markdown-link", _last_with(block, "]("), "warning")


def _last_with(block: list[Line], mark: str) -> int:
    return next(line.number for line in reversed(block) if mark in line.text)
