"""What a page looks like on each channel before anybody is told it: the very bubbles, with what they cost."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from bot.intents import Kit, Turn
from bot.library.pages import Page
from bot.messages import Language, Reply
from bot.router import Rooms
from bot.wording.fitting import Style, fit, fit_more
from bot.wording.gsm7 import Encoding, segments, units

MOST_BUBBLES = 12


@dataclass(frozen=True, kw_only=True)
class Bubble:
    """One SMS as it is sent. `units` are septets or UTF-16 code units."""

    text: str
    encoding: Encoding
    segments: int
    units: int


@dataclass(frozen=True, kw_only=True)
class Dress:
    """An answer on three channels: the first SMS and each that MORE brings, Telegram's HTML messages, the web page's HTML."""

    language: Language
    sms: tuple[Bubble, ...]
    telegram: tuple[str, ...]
    web: str
    choices: tuple[str, ...] = ()


async def preview(intent: str, language: Language, kit: Kit, rooms: Rooms, county: str | None = None) -> Dress:
    """The answer that a resident (of that county) gets to an intent."""
    reply = await rooms.of(intent).answer(Turn(language=language, intent=intent, county=county), kit)
    return dressed(reply, kit)


def dressed(reply: Reply, kit: Kit) -> Dress:
    return Dress(
        language=reply.language,
        sms=tuple(_bubbles(reply, kit)),
        telegram=fit(reply, Style.TELEGRAM, kit.words).texts,
        web="".join(fit(reply, Style.WEB, kit.words).texts),
        choices=tuple(choice.label for choice in reply.choices),
    )


def with_page(kit: Kit, page: Page) -> Kit:
    """The kit as it would be with this page in place of the one that is saved."""
    pages = {**kit.library.pages, (page.language, page.id): page}
    return replace(kit, library=replace(kit.library, pages=pages))


def _bubbles(reply: Reply, kit: Kit) -> Iterator[Bubble]:
    fitted = fit(reply, Style.SMS, kit.words)
    texts, rest = list(fitted.texts), fitted.rest
    while rest and len(texts) < MOST_BUBBLES:
        text, rest = fit_more(rest, reply.language, Style.SMS, kit.words)
        texts.append(text)
    yield from map(bubble, texts)


def bubble(text: str) -> Bubble:
    """A text with what it costs as SMS."""
    kind, count = segments(text)
    return Bubble(text=text, encoding=kind, segments=count, units=units(text, kind))
