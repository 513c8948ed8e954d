"""Fits a reply to the style of a channel: what is sent now, what waits for MORE, what can be picked."""

from dataclasses import dataclass, field, replace
from enum import StrEnum

from bot.messages import Attachment, Channel, Choice, Language, Reply
from bot.wording.catalog import Words
from bot.wording.gsm7 import segments
from bot.wording.narrow import compose, contact_line, cut, unturned
from bot.wording.wide import telegram_html, telegram_pages, web_html


class Style(StrEnum):
    SMS = "sms"
    WHATSAPP = "whatsapp"
    TELEGRAM = "telegram"
    WEB = "web"
    CONSOLE = "console"


STYLES: dict[Channel, Style] = {
    Channel.SMS: Style.SMS,
    Channel.WHATSAPP: Style.WHATSAPP,
    Channel.TELEGRAM: Style.TELEGRAM,
    Channel.WEB: Style.WEB,
    Channel.CONSOLE: Style.CONSOLE,
}
# WhatsApp takes 1,600 characters through Twilio; the same as ten SMS parts, so that one rule serves both.
_MOST = {Style.SMS: 3, Style.WHATSAPP: 9, Style.CONSOLE: 9}


@dataclass(frozen=True, kw_only=True)
class Fitted:
    """A reply as one channel takes it: texts to send in this order, the rest for MORE, and what may be picked. `repeated`: this message had its answer before."""

    language: Language
    intent: str = ""
    texts: tuple[str, ...] = field(default=(), repr=False)
    rest: str = field(default="", repr=False)
    choices: tuple[Choice, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    ask_location: bool = False
    rateable: bool = False
    toast: str = ""
    forgotten: bool = False
    repeated: bool = False


def fit(reply: Reply, style: Style, words: Words) -> Fitted:
    """The reply in the dress of a channel. A silent reply has no texts."""
    if reply.silent:
        return Fitted(language=reply.language, intent=reply.intent)
    toasts = style is Style.TELEGRAM
    if not toasts:
        reply = replace(reply, short=reply.short or reply.toast)
    rest = ""
    if style is Style.TELEGRAM:
        texts = tuple(telegram_pages(telegram_html(reply)))
    elif style is Style.WEB:
        call, text_to = (words.say(key, reply.language) for key in ("contact.call", "contact.text"))
        texts = (web_html(reply, call=call, text_to=text_to),)
    else:
        texts, rest = _narrow(reply, style, words)
    return Fitted(
        language=reply.language,
        intent=reply.intent,
        texts=texts,
        rest=rest,
        choices=tuple(replace(choice, label=unturned(choice.label)) for choice in reply.choices),
        attachments=reply.attachments,
        ask_location=reply.ask_location,
        rateable=reply.rateable and not reply.lead,
        toast=reply.toast if toasts else "",
        forgotten=reply.effects.forget,
    )


def _narrow(reply: Reply, style: Style, words: Words) -> tuple[tuple[str, ...], str]:
    """What a narrow channel is sent and the rest. A page that has more to say ends with how to get it.

    Of a list that comes first only whole contacts are told, as many as leave room for what stands after them.
    """
    pick = words.say("choice.pick", reply.language) if reply.choices else ""
    footer = words.say("more.footer", reply.language)
    text, more = map(unturned, compose(reply, pick))
    texts, left = _parts(text, footer, style, endless=bool(more))
    kept = len(reply.contacts)
    while left and reply.list_first and kept > 1:
        kept -= 1
        text, body = map(unturned, compose(replace(reply, contacts=reply.contacts[:kept]), pick))
        more = "\n".join((*(unturned(contact_line(one)) for one in reply.contacts[kept:]), body))
        texts, left = _parts(text, footer, style, endless=True)
    if style is Style.CONSOLE and more and not left:
        return (f"{text}\n\n{more}",), ""
    return texts, "\n".join(t for t in (left, more) if t)


def _parts(text: str, footer: str, style: Style, *, endless: bool) -> tuple[tuple[str, ...], str]:
    """What is sent now of a text, and what is left of it; `endless`: there is more than the text.

    An SMS that ends early, only because a border would cut a number, is followed at once by what it would have held.
    """
    folding, most = style is Style.SMS, _MOST[style]
    first, left = cut(f"{text}\n{footer}" if endless else text, footer, folding=folding, most=most)
    if left and folding:
        begun = first.removesuffix(footer).strip()
        second, over = cut(left, footer, folding=True, most=max(0, most - segments(begun)[1]))
        if not over and segments(begun)[1] + segments(second)[1] <= most:
            return (begun, second), ""
    return (first,), left.removesuffix(footer).strip()


def fit_more(rest: str, language: Language, style: Style, words: Words) -> tuple[str, str]:
    """The next message out of what was left, and what is still left."""
    return cut(rest, words.say("more.footer", language), folding=style is Style.SMS, most=_MOST.get(style, 9))
