"""A reply as HTML: for Telegram (its few tags, under 4,096 characters) and for the web page (accessible)."""

import re
from collections.abc import Iterator, Sequence
from html import escape, unescape
from html.parser import HTMLParser
from typing import ClassVar

from markdown_it import MarkdownIt

from bot.messages import Contact, Reply
from bot.wording.maps import map_link
from bot.wording.narrow import unturned

TELEGRAM_LIMIT = 4096
# What the tags may take that a page closes and opens again, the address of a link among them.
LONGEST_ADDRESS, TAGS_ROOM = 400, 500
# Paragraphs, lines, words, and what is never cut: tags, entities, characters.
_CUTS = tuple(re.compile(p, re.DOTALL) for p in (r".+?(?:\n{2,}|$)", r".+?(?:\n|$)", r"(?:<[^>]*>|[^\s<])+\s*|\s+", r"<[^>]*>|&#?\w+;|."))
_MARKDOWN = MarkdownIt("js-default", {"html": False, "linkify": False, "typographer": False})
# Of escaped text: an address of the web, without the mark that ends its sentence, or a phone number.
_REACH = re.compile(r"https?://(?:[^\s<>&\"]|&amp;)*[^\s<>&\".,;:!?)]|(?<![\w-])(?:1-\d{3}-\d{3}-\d{4}|\d{3}-\d{3}-\d{4}|(?:911|988|211|511)(?![\w-]))")


def web_html(reply: Reply, *, call: str, text_to: str) -> str:
    """Accessible HTML: title, prose, a list of contacts with tel: links. Everything from content is escaped."""
    parts = []
    if reply.lead:
        parts.append(f'<p class="lead"><strong>{_linked(escape(reply.lead))}</strong></p>')
    if reply.title:
        parts.append(f"<h2>{escape(reply.title)}</h2>")
    before, rest = _around_the_list(reply)
    parts.append(_linked(_MARKDOWN.render(before)))
    if reply.contacts:
        cards = "".join(_card(c, call, text_to) for c in reply.contacts)
        parts.append(f'<ul class="contacts">{cards}</ul>')
    if reply.after:
        parts.append(_linked(_MARKDOWN.render(reply.after)))
    parts.append(_linked(_MARKDOWN.render(rest)))
    return unturned("".join(parts))


def _around_the_list(reply: Reply) -> tuple[str, str]:
    """What stands before the contacts, and what stands after all."""
    if reply.list_first and reply.contacts:
        return reply.short, reply.body.removeprefix(reply.short)
    return reply.body or reply.short, ""


def _card(contact: Contact, call: str, text_to: str) -> str:
    lines = [f"<strong>{escape(contact.name)}</strong>"]
    if contact.address:
        lines.append(f'<a href="{escape(map_link(contact.place or contact.address))}" rel="noreferrer">{escape(contact.address)}</a>')
    if contact.phone:
        lines.append(f'<a href="tel:{_dial(contact.phone)}">{escape(call.replace("{phone}", contact.phone))}</a>')
    if contact.text and contact.text != contact.phone:
        lines.append(f'<a href="sms:{_dial(contact.text)}">{escape(text_to.replace("{number}", contact.text))}</a>')
    if contact.website.startswith(("https://", "http://")):
        lines.append(f'<a href="{escape(contact.website)}" rel="noreferrer">{escape(contact.site)}</a>')
    lines += [escape(t) for t in (contact.hours, contact.notes) if t]
    return f"<li>{'<br>'.join(lines)}</li>"


def _dial(number: str) -> str:
    digits = re.sub(r"\D", "", number)
    return f"+{digits}" if len(digits) == 11 else f"+1{digits}" if len(digits) == 10 else digits


def _linked(html: str) -> str:
    """Addresses of the web and phone numbers in text (never inside a tag or a link) become links."""
    pieces = re.split(r"(<a\b.*?</a>|<[^>]+>)", html, flags=re.DOTALL)
    return "".join(p if p.startswith("<") else _REACH.sub(_link, p) for p in pieces)


def _link(found: re.Match[str]) -> str:
    said = found[0]
    return f'<a href="{said}" rel="noreferrer">{said}</a>' if said.startswith("http") else f'<a href="tel:{_dial(said)}">{said}</a>'


def telegram_html(reply: Reply) -> str:
    """Telegram's HTML: only b, i, a; lists as bullets. Never longer than Telegram takes (see telegram_pages)."""
    parts = []
    if reply.lead:
        parts.append(f"<b>{escape(reply.lead, quote=False)}</b>")
    if reply.title:
        parts.append(f"<b>{escape(reply.title, quote=False)}</b>")
    before, rest = _around_the_list(reply)
    parts.append(_telegram_markdown(before))
    for c in reply.contacts:
        reach = " · ".join(escape(t, quote=False) for t in (c.phone, c.text if c.text != c.phone else "", c.site) if t)
        extra = " ".join(escape(t, quote=False) for t in (c.hours, c.notes) if t)
        address = f"\n{escape(c.address, quote=False)}" if c.address else ""
        parts.append(f"<b>{escape(c.name, quote=False)}</b>{address}" + (f"\n{reach}" if reach else "") + (f"\n{extra}" if extra else ""))
    if reply.after:
        parts.append(_telegram_markdown(reply.after))
    parts.append(_telegram_markdown(rest))
    return unturned("\n\n".join(p for p in parts if p))


def _telegram_markdown(markdown: str) -> str:
    writer = _TelegramWriter()
    writer.feed(_MARKDOWN.render(markdown))
    return re.sub(r"\n{3,}", "\n\n", "".join(writer.out)).strip()


class _TelegramWriter(HTMLParser):
    """markdown-it's HTML -> Telegram's few tags."""

    KEPT: ClassVar = {"strong": "b", "b": "b", "em": "i", "i": "i", "h1": "b", "h2": "b", "h3": "b"}

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.out: list[str] = []
        self.linked = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in self.KEPT:
            self.out.append(f"<{self.KEPT[tag]}>")
        elif tag == "a":
            href = escape(dict(attrs).get("href") or "")
            self.linked = href.startswith(("http://", "https://", "tel:")) and len(href) <= LONGEST_ADDRESS
            self.out.append(f'<a href="{href}">' if self.linked else "")
        elif tag == "li":
            self.out.append("• ")
        elif tag == "br":
            self.out.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in self.KEPT:
            self.out.append(f"</{self.KEPT[tag]}>")
            if tag.startswith("h"):
                self.out.append("\n")
        elif tag == "a":
            self.out.append("</a>" if self.linked else "")
        elif tag == "p":
            self.out.append("\n\n")
        elif tag in ("li", "ul", "ol"):
            self.out.append("\n")

    def handle_data(self, data: str) -> None:
        self.out.append(escape(data, quote=False) if data.strip() else ("" if "\n" in data else data))


def untagged(html: str) -> str:
    """Telegram's HTML as people see it, without its emphasis."""
    return unescape(re.sub(r"<[^>]+>", "", html))


def telegram_pages(html: str, limit: int = TELEGRAM_LIMIT) -> list[str]:
    """HTML cut into messages that Telegram takes, between paragraphs, else between lines, else between words, tags closed and opened again."""
    size = limit - TAGS_ROOM
    pages: list[str] = []
    current, used = "", 0
    for piece in _pieces(html, size, _CUTS):
        if used + _units(piece) > size:
            pages, current, used = [*pages, current], "", 0
        current += piece
        used += _units(piece)
    return _balanced([p.strip("\n") for p in [*pages, current] if p.strip()])


def _units(text: str) -> int:
    """How long Telegram finds a text: in UTF-16, where an emoji counts twice."""
    return len(text) + sum(c > "\uffff" for c in text)


def _pieces(html: str, size: int, cuts: Sequence[re.Pattern[str]]) -> Iterator[str]:
    """The HTML in pieces that fit, cut no finer than needed, and never inside a tag or an entity."""
    for piece in cuts[0].findall(html):
        if _units(piece) <= size or len(cuts) == 1:
            yield piece
        else:
            yield from _pieces(piece, size, cuts[1:])


def _balanced(pages: list[str]) -> list[str]:
    """Tags that a cut left open are closed at its end and opened again on the next page."""
    still_open: list[str] = []
    result = []
    for page in pages:
        page = "".join(still_open) + page
        still_open = []
        for match in re.finditer(r"<(/?)(\w+)[^>]*>", page):
            still_open = still_open[:-1] if match[1] else [*still_open, match[0]]
        closing = "".join(f"</{tag.strip('<>').split()[0]}>" for tag in reversed(still_open))
        result.append(page + closing)
    return result
