"""The short answer as an SMS: what it costs, the letter that makes it cost more, and its first part."""

import unicodedata
from collections.abc import Iterator

from bot.checks.subject import Source, Subject
from bot.errors import Problem
from bot.wording.first_part import first_part_fault
from bot.wording.gsm7 import BASIC, ESCAPED, FOLDED, fold, segments
from bot.wording.narrow import MOST_SEGMENTS, broken_reach

# Typed by word processors; they are folded when sent, and hide from a search. -> what --fix writes.
CURLY = {"‘": "'", "’": "'", "“": '"', "”": '"'}


def check_sms(source: Source, subject: Subject) -> Iterator[Problem]:
    short = source.short(subject)
    if not short:
        return
    line, kind_count = source.key("sms"), segments(fold(short))
    if kind_count[1] > MOST_SEGMENTS:
        yield source.problem("sms-long", line, segments=str(kind_count[1]), most=str(MOST_SEGMENTS), encoding=kind_count[0])
    sent = fold(f"{short}\n{subject.words.say('more.footer', source.page.language)}")
    if broken := broken_reach(sent):
        yield source.problem("sms-first-part-cuts", line, reach=broken[0])
    elif first_part_fault(sent):
        yield source.problem("sms-first-part-empty", line)
    yield from _letters(source)


def _letters(source: Source) -> Iterator[Problem]:
    for line in source.sms:
        for at, letter in enumerate(unicodedata.normalize("NFC", line.text), 1):
            if letter in CURLY:
                yield source.problem("sms-quotes", line.number, "note", at, letter=letter, plain=CURLY[letter])
            elif letter not in BASIC and letter not in ESCAPED and letter not in FOLDED:
                yield source.problem("sms-letter", line.number, "warning", at, letter=letter, name=unicodedata.name(letter, f"U+{ord(letter):04X}"))
