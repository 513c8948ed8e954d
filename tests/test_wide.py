"""Replies as HTML: Telegram's few tags in messages that it takes, and the web's, where nothing written becomes markup."""

import re
from html import unescape
from html.parser import HTMLParser

import pytest

from bot.messages import Contact, Reply
from bot.wording.wide import TELEGRAM_LIMIT, telegram_html, telegram_pages, web_html

HOSTILE = 'a <b>x</b> <b & "q" <script>alert(1)</script> [l](javascript:alert(1)) <javascript:alert(2)> <img src=x onerror=alert(3)>'
CONTACT = Contact(
    id="x",
    kind="hotline",
    county="Wake",
    name="Help <b & Co",
    phone="919-555-0101",
    text="919-555-0102",
    website="javascript:alert(1)",
    address="1 Main <St>",
    hours='"24/7"',
    notes="ask & <i",
)


class Tags(HTMLParser):
    """The tags of some HTML, and whether each is closed in its turn."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.seen: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []
        self.still_open: list[str] = []
        self.balanced = True
        self.feed(html)
        self.close()
        self.balanced = self.balanced and not self.still_open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.attributes += attrs
        if tag not in ("br", "hr"):
            self.still_open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        self.balanced = self.balanced and bool(self.still_open) and self.still_open.pop() == tag


def _reply(body: str, **more: object) -> Reply:
    return Reply(language="en", intent="x", body=body, **more)  # type: ignore[arg-type]


def _text(html: str) -> str:
    return unescape(re.sub(r"<[^>]+>", "", html))


def _web(reply: Reply) -> str:
    return web_html(reply, call="Call {phone}", text_to="Text {number}")


def test_telegram_escapes_what_is_written() -> None:
    html = telegram_html(_reply(HOSTILE, lead="<b & lead", title="T<i>", after="after <u>", contacts=(CONTACT,)))
    tags = Tags(html)
    assert tags.balanced
    assert tags.seen <= {"b", "i", "a"}
    assert not tags.attributes
    assert "<b & lead" in _text(html)
    assert "1 Main <St>" in _text(html)
    assert "ask & <i" in _text(html)


def test_telegram_keeps_emphasis_lists_and_links() -> None:
    html = telegram_html(_reply("# Head\n\nSay **this** *now*: [site](https://example.org/?a=1&b=2)\n\n- one\n- two\n\n1. three\n2. four\n\nend"))
    assert html == '<b>Head</b>\nSay <b>this</b> <i>now</i>: <a href="https://example.org/?a=1&amp;b=2">site</a>\n\n• one\n• two\n\n• three\n• four\n\nend'


@pytest.mark.parametrize(
    "body",
    [
        "word " * 4000,
        "x" * 20_000,
        "&" * 20_000,
        "<b & " * 4000,
        "**" + "word " * 4000 + "**",
        "**" + "x" * 20_000 + "**",
        "\n\n".join(["**Bold** and [a link](https://example.org/page?a=1&b=2) " + "word " * 60] * 60),
        "[" + "word " * 4000 + "](https://example.org/" + "long/" * 50 + ")",
        "- point & more\n" * 1300,
        "😀" * 10_000,
    ],
    ids=["words", "one word", "entities", "looks like tags", "bold", "bold word", "links", "one link", "list", "emoji"],
)  # fmt: skip
def test_twenty_thousand_characters_are_paged(body: str) -> None:
    html = telegram_html(_reply(body))
    pages = telegram_pages(html)
    assert 3 <= len(pages) <= 40
    assert all(0 < len(page.encode("utf-16-le")) // 2 <= TELEGRAM_LIMIT for page in pages)
    assert all(Tags(page).balanced for page in pages)
    assert all(not re.search(r"&(?!amp;|lt;|gt;|quot;)", page) for page in pages)
    assert "".join(_text("".join(pages)).split()) == "".join(_text(html).split())


def test_a_short_answer_is_one_page() -> None:
    assert telegram_pages("Hello <b>you</b>") == ["Hello <b>you</b>"]


def test_a_page_ends_between_paragraphs_when_it_can() -> None:
    first, *_ = telegram_pages("\n\n".join(f"Paragraph {n}. " + "word " * 100 + "end." for n in range(30)))
    assert first.endswith("end.")


def test_the_web_escapes_what_is_written() -> None:
    html = _web(_reply(HOSTILE, lead="<b & lead", title="T<i>", after="<u>after", contacts=(CONTACT,)))
    tags = Tags(html)
    assert tags.balanced
    assert not tags.seen & {"b", "i", "u", "script", "img", "st"}
    assert not [a for a in tags.attributes if a[0].startswith("on") or (a[1] or "").strip().lower().startswith("javascript")]
    assert "&lt;b &amp; lead" in html
    assert "&lt;b&gt;x&lt;/b&gt;" in html


@pytest.mark.parametrize(
    ("written", "linked"),
    [
        ("Call 919-555-0100 now", '<a href="tel:+19195550100">919-555-0100</a>'),
        ("1-800-555-0100", '<a href="tel:+18005550100">1-800-555-0100</a>'),
        ("Call 911.", '<a href="tel:911">911</a>.'),
        ("988 or 211", '<a href="tel:988">988</a> or <a href="tel:211">211</a>'),
    ],
)
def test_numbers_in_prose_can_be_dialled(written: str, linked: str) -> None:
    assert linked in _web(_reply(written))
    assert linked in _web(_reply("x", lead=written))


@pytest.mark.parametrize("written", ["in 2911 homes", "[911](https://example.org/911)", "911-555", "claim 12-919-555-0100"])
def test_what_is_no_number_is_not_dialled(written: str) -> None:
    assert "tel:" not in _web(_reply(written))


def test_a_contact_can_be_called_texted_and_found() -> None:
    html = _web(_reply("x", contacts=(CONTACT,)))
    assert '<a href="tel:+19195550101">Call 919-555-0101</a>' in html
    assert '<a href="sms:+19195550102">Text 919-555-0102</a>' in html
    assert "openstreetmap.org" in html
    assert "javascript" not in html
