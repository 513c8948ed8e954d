"""The keys at the head of a page: those that our own pages need, and what they point to."""

import re
from collections.abc import Iterator

from bot.checks.subject import TO_WRITE, Source, Subject
from bot.directory.references import REFERENCE
from bot.directory.rows import KINDS
from bot.errors import Problem

WANTED = ("sms", "sources", "checked", "review_by")
URL = re.compile(r"https?://[\w-]+(?:\.[\w-]+)+(?::\d+)?(?:[/?#]\S*)?")


def check_keys(source: Source, subject: Subject) -> Iterator[Problem]:
    front, not_compared = source.page.front, source.page.not_compared
    if "checked" in not_compared:
        yield source.problem("not-checked", source.key("checked"), today=subject.today.isoformat())
    for key in (*WANTED, "translates") if source.page.language == "es" else WANTED:
        if not getattr(front, key) and key not in not_compared:
            yield source.problem("key-missing", source.key(key), key=key)
    for url in front.sources:
        if not URL.fullmatch(url):
            yield source.problem("url-form", _line_with(source, url, "sources"), url=url)
    if front.review_by and front.review_by < subject.today:
        yield source.problem("review-due", source.key("review_by"), "warning", day=front.review_by.isoformat())


def check_links(source: Source, subject: Subject) -> Iterator[Problem]:
    """Contacts, tables and pages that a page names."""
    page = source.page
    for match, line in source.found(REFERENCE, source.told):
        if TO_WRITE.fullmatch(match[0]):
            yield source.problem("sentence-unwritten", line.number, column=match.start() + 1, reference=match[0])
        elif subject.directory.line(match[1], page.language) is None and not subject.unread(match[1]):
            yield source.problem("reference-unknown", line.number, column=match.start() + 1, reference=match[0])
    for id_ in page.front.contacts:
        if subject.directory.line(id_, page.language) is None and not subject.unread(id_):
            yield source.problem("contact-unknown", source.key("contacts"), id=id_)
    for kind in page.front.directory:
        if kind not in KINDS.values():
            yield source.problem("table-unknown", source.key("directory"), kind=kind, kinds=", ".join(KINDS.values()))
    for id_ in page.front.related:
        if id_ not in subject.intents and not subject.stands(page.language, f"{id_}.md"):
            yield source.problem("related-unknown", source.key("related"), id=id_)


def _line_with(source: Source, text: str, key: str) -> int:
    return next((line.number for line in source.lines if text in line.text), source.key(key))
