"""Try it: a talk with Faro as a resident has it, and why each answer was given. Nothing of it is stored."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from secrets import token_urlsafe

from starlette.responses import Response
from starlette.routing import Route

from bot.explaining import percent, told
from bot.messages import LANGUAGES, Channel, Choice, Inbound, Language
from bot.preview import Bubble, bubble
from bot.store.keeping import Kept, Known
from bot.studio.door import Desk, Studio, Visit

LONGEST_TEXT, MOST_TALKS = 1_600, 200
DRESSES = (Channel.SMS, Channel.WEB)


class ShortMemory:
    """What trial talks leave behind: the last few, in this process, gone with it. No database, no statistics."""

    def __init__(self) -> None:
        self._talks: dict[str, Known] = {}

    async def known(self, key: str, _channel: str, _message_id: str) -> Known:
        return self._talks.get(key, Known())

    async def alerts(self, _key: str) -> tuple[str, ...]:
        return ()

    async def keep(self, kept: Kept) -> str:
        self._talks.pop(kept.person.key, None)
        if not kept.forget:
            self._talks[kept.person.key] = Known(person=kept.person, standing=kept.conversation)
        while len(self._talks) > MOST_TALKS:
            del self._talks[next(iter(self._talks))]
        return kept.handled.answer


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """What was written, what came back in the dress of the channel, and why."""

    said: str = field(repr=False)
    language: Language
    bubbles: tuple[Bubble, ...] = ()
    html: str = field(default="", repr=False)
    choices: tuple[Choice, ...] = ()
    files: tuple[str, ...] = ()
    why: tuple[str, ...] = ()
    near: tuple[tuple[str, str, str], ...] = ()


def routes(studio: Studio) -> Sequence[Route]:
    desk = studio.desk

    async def begin(visit: Visit) -> Response:
        return studio.show("try_it.html", visit, talk=token_urlsafe(12), channel=Channel.SMS, language="", exchange=None)

    async def say(visit: Visit) -> Response:
        form = visit.form
        talk, channel = form.get("talk", "")[:40] or token_urlsafe(12), Channel.WEB if form.get("channel") == Channel.WEB else Channel.SMS
        language = next((known for known in LANGUAGES if known == form.get("language")), None)
        # A choice that is tapped posts what it says and what stands on it.
        says, _, label = form.get("says", "").partition("\n")
        text = (says or form.get("text", ""))[:LONGEST_TEXT]
        exchange = await _answered(desk, talk, channel, language, text, label or text, visit.language) if text.strip() else None
        if visit.by_htmx:
            return studio.show("try_it_turn.html", visit, talk=talk, channel=channel, language=language or "", exchange=exchange)
        return studio.show("try_it.html", visit, talk=talk, channel=channel, language=language or "", exchange=exchange)

    return (studio.route("/studio/try", begin), studio.route("/studio/try", say, methods=("POST",)))


async def _answered(desk: Desk, talk: str, channel: Channel, language: Language | None, text: str, label: str, reader: Language) -> Exchange:
    """Faro's answer to somebody who is nobody: another sender for each talk and for each language that is chosen for it."""
    inbound = Inbound(channel=channel, sender=f"{talk}:{language}", message_id=token_urlsafe(12), text=text, language_hint=language)
    fitted = await desk.rehearsal.answer(inbound)
    mind = desk.content.live.mind
    kit = mind.kit(desk.clock())
    why: list[str] = []
    near: list[tuple[str, str, str]] = []
    if not text.startswith("#"):
        explained = mind.understander.explain(text)
        why = told(explained, desk.words, reader, lambda intent: kit.title(intent, reader))
        near = [(question, kit.title(one.intent, reader), percent(one.score)) for question, one in zip(explained.closest_texts, explained.closest, strict=True)]
    return Exchange(
        said=label,
        language=fitted.language,
        bubbles=tuple(bubble(one) for one in fitted.texts) if channel is Channel.SMS else (),
        html="".join(fitted.texts) if channel is Channel.WEB else "",
        choices=fitted.choices if channel is Channel.WEB else (),
        files=tuple(one.filename for one in fitted.attachments) if channel is Channel.WEB else (),
        why=tuple(why),
        near=tuple(near),
    )
