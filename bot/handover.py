"""A person answers: a resident's words go to the volunteers' group without number or name, and a volunteer's reply goes back to them."""

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol

from bot.errors import DatabaseAway, DatabaseRefuses
from bot.intents import Kit, Turn
from bot.limits import PER_TALK, TOLD, Limiter
from bot.messages import LOCAL_TIME, Channel, Delivery, Effects, Inbound, Language, Reply
from bot.outgoing import Outgoing
from bot.router import Stage
from bot.store.handovers import ON_DUTY, Handovers, Talk
from bot.store.privacy import person_key, scrubbed
from bot.understanding.commands import DONE, picked
from bot.understanding.crisis import Crisis
from bot.understanding.normalise import folded, printable
from bot.wording.fitting import STYLES, Style, fit

log = logging.getLogger(__name__)

# Seconds between two looks for talks that have gone quiet; characters of a resident's message that are passed on.
LOOK, LONGEST_PASSED_ON = 600.0, 2000
# Orders to Faro that work in the middle of a talk.
ORDERS = frozenset({"stop", "start", "privacy", "menu"})
_ORDER = re.compile(r"/(\w+)(?:@\w+)?\s*(.*)", re.DOTALL)
_MARKDOWN = re.compile(r"([!-/:-@\[-`{-~])")


class Group(Protocol):
    """What writes to the volunteers' group: the number of the message, None when it was not sent for certain."""

    async def post(self, address: str, text: str, reply_to: int | None = None) -> int | None: ...


@dataclass(frozen=True, kw_only=True)
class Said:
    """A resident's message, as far as a talk must know it. `token`: a button or a choice, not their own words."""

    key: str
    inbound: Inbound
    turn: Turn
    stage: Stage
    token: bool
    crisis: Crisis | None

    @property
    def for_faro(self) -> bool:
        """Whether it is no part of a talk: an order, a choice, or nothing that could be read out."""
        own = self.inbound.text.strip()
        if self.token:
            return self.turn.intent != "human" or own.startswith("#")
        ordered = self.stage is Stage.COMMAND and picked(own[:200]) is None
        return not own or (ordered and (self.turn.intent in ORDERS or (self.turn.intent == "more" and bool(self.turn.rest))))


@dataclass(frozen=True, kw_only=True)
class GroupMessage:
    """A message of the volunteers' group."""

    update_id: str
    message_id: int
    user: str = field(repr=False)
    text: str = field(repr=False)
    language: Language
    reply_to: int | None
    to_us: bool  # what it replies to is ours


class HelpDesk:
    """Between residents and volunteers. Nothing of a talk is kept in memory: a restart ends none."""

    def __init__(self, *, handovers: Handovers, group: Group, chat: str, outgoing: Outgoing, kit: Callable[[], Kit], secret: bytes, clock: Callable[[], datetime], limiter: Limiter) -> None:
        self._handovers = handovers
        self._group = group
        self._chat = chat
        self._outgoing = outgoing
        self._kit = kit
        self._secret = secret
        self._clock = clock
        self._limiter = limiter

    # What residents write.

    async def offered(self, inbound: Inbound) -> bool:
        """Whether a volunteer is on duty, and could answer where this came from. A Telegram group is no place for it: all would read."""
        in_group = inbound.channel is Channel.TELEGRAM and inbound.sender.startswith("-")
        if in_group or not self._outgoing.can_write(inbound.channel):
            return False
        with suppress(DatabaseAway, DatabaseRefuses):
            return await self._handovers.on_duty() > 0
        return False

    async def around(self, said: Said, kit: Kit, ordinary: Callable[[], Awaitable[Reply]]) -> Reply:
        """The answer to a message: `ordinary`, unless it belongs to a talk with a volunteer, or begins one."""
        talk = await self._talk_of(said.key) if self._outgoing.can_write(said.inbound.channel) else None
        language = said.turn.language
        if talk is None or said.for_faro:
            reply = await ordinary()
            if talk and (reply.effects.forget or reply.effects.opted_out):
                await self._end(talk)
            return await self._begun(said, kit) if reply.effects.hand_over else reply
        if folded(said.inbound.text) in DONE:
            await self._end(talk)
            return Reply(language=language, intent="human", short=kit.say("human.ended", language))
        limited = bool(self._limiter.wait((PER_TALK, f"{'crisis' if said.crisis else 'talk'} {said.key}")))
        how = ("crisis" if said.crisis else "more") if talk.root else ("crisis_question" if said.crisis else "question")
        reached = not limited and await self._pass_on(replace(talk, county=_county(said.turn) or talk.county), said.inbound.text, how)
        passed = kit.say("human.passed", language) if reached and talk.root is None else ""
        if said.stage is Stage.CRISIS:
            reply = await ordinary()
            return replace(reply, after=passed) if passed else reply
        if limited:
            told = self._limiter.wait((TOLD, f"told {said.key}"))
            return Reply(language=language, intent="limit", silent=bool(told), short=kit.say("web.too_often", language))
        if not reached:
            return replace(await ordinary(), lead=kit.say("human.away", language))
        if said.crisis:
            first = kit.say(f"crisis.maybe.{said.crisis.kind}", language)
            return Reply(language=language, intent="human", lead=first if passed else "", short=passed or first)
        if passed:
            return Reply(language=language, intent="human", short=passed)
        return Reply(language=language, intent="silence", silent=True)

    async def _begun(self, said: Said, kit: Kit) -> Reply:
        """A talk, with the question that Faro could not answer when it was the last thing asked; else the question comes next."""
        inbound, language = said.inbound, said.turn.language
        answer = Reply(language=language, intent="human", short=kit.say("human.ask", language), effects=Effects(hand_over=True))
        try:
            question = await self._handovers.last_question(said.key) if said.turn.waiting_for == "none" else None
            talk = await self._handovers.begin(Talk(key=said.key, channel=inbound.channel, language=language, county=said.turn.county, address=inbound.sender))
            if talk.root is None and question and not await self._pass_on(talk, question, "question"):
                await self._handovers.end(talk)
                return replace(answer, lead=kit.say("human.away", language), short=kit.say("human.short", language))
        except (DatabaseAway, DatabaseRefuses):
            return replace(answer, lead=kit.say("human.away", language), short=kit.say("human.short", language))
        return replace(answer, short=kit.say("human.passed", language)) if talk.root or question else answer

    async def _pass_on(self, talk: Talk, text: str, how: str) -> bool:
        """Puts a resident's words before the volunteers, in the thread of the talk. False when they may not have seen them, or could not reply."""
        words = scrubbed(printable(text), LONGEST_PASSED_ON)
        county = talk.county or "?"
        posted = await self._say(f"volunteer.group.{how}", talk, number=talk.id, county=county, text=words)
        if posted is None:
            return False
        with suppress(DatabaseAway, DatabaseRefuses):
            await self._handovers.note(talk, posted)
            return True
        return False

    async def _talk_of(self, key: str) -> Talk | None:
        with suppress(DatabaseAway, DatabaseRefuses):
            return await self._handovers.of(key)
        return None

    async def _end(self, talk: Talk, why: str = "ended") -> None:
        """Ends a talk, and says so to the volunteers. Without the database it ends when it is quiet, or by what STOP and DELETE leave behind."""
        with suppress(DatabaseAway, DatabaseRefuses):
            await self._handovers.end(talk)
            if talk.root:
                await self._say(f"volunteer.group.{why}", talk, number=talk.id)

    async def _say(self, key: str, talk: Talk, **values: object) -> int | None:
        return await self._group.post(self._chat, self._kit().words.say(key, talk.language, **values), talk.root)

    # What volunteers write.

    async def hear(self, message: GroupMessage) -> None:
        """A message of the group: an order, or a reply that goes to a resident. Done once, however often Telegram repeats it."""
        told = "volunteer.group.away"
        values: dict[str, object] = {}
        with suppress(DatabaseAway, DatabaseRefuses):
            if await self._handovers.heard_before(message.update_id):
                return
            told, values = await self._heard(message)
            await self._handovers.heard(message.update_id)
        if told:
            await self._group.post(self._chat, self._kit().words.say(told, message.language, **values), message.message_id)

    async def _heard(self, message: GroupMessage) -> tuple[str, dict[str, object]]:
        """Does what a message asks for; what the volunteers are told of it, '' for nothing."""
        parts = _ORDER.fullmatch(message.text.strip())
        order, rest = (parts[1].lower(), parts[2].strip()) if parts else ("", "")
        key = person_key(self._secret, Channel.TELEGRAM, message.user)
        if order == "on":
            until = self._kit().words.hour((self._clock() + ON_DUTY).astimezone(LOCAL_TIME), message.language)
            return "volunteer.group.on", {"count": await self._handovers.begin_duty(key), "hour": until}
        if order == "off":
            return "volunteer.group.off", {"count": await self._handovers.end_duty(key)}
        talk = await self._handovers.behind(message.reply_to) if message.reply_to else None
        if talk is None:
            return ("volunteer.group.over" if message.to_us else "volunteer.group.how" if order else ""), {}
        if order == "done":
            await self._end(talk)
            await self._outgoing.send(talk.channel, talk.address, self._reply(talk, short=self._kit().say("human.ended", talk.language)))
            return "", {}
        if order == "page":
            page = self._page(talk, rest)
            return await self._sent(talk, page, message) if page else ("volunteer.group.no_page", {"page": rest})
        if order or not message.text.strip():
            return "volunteer.group.how", {}
        words = _MARKDOWN.sub(r"\\\1", message.text.strip()) if talk.channel is Channel.TELEGRAM else message.text.strip()
        return await self._sent(talk, self._reply(talk, lead=self._kit().say("human.volunteer", talk.language), short=words), message)

    async def _sent(self, talk: Talk, reply: Reply, message: GroupMessage) -> tuple[str, dict[str, object]]:
        """Sends a volunteer's words; what went wrong with it."""
        style = STYLES[talk.channel]
        if style in (Style.SMS, Style.WHATSAPP) and fit(reply, style, self._kit().words).rest:
            return "volunteer.group.too_long", {}  # what is left would wait for a MORE that nobody was told of
        outcome = await self._outgoing.send(talk.channel, talk.address, reply)
        if outcome.delivery in (Delivery.GONE, Delivery.WITHHELD):
            await self._handovers.end(talk)
            return "volunteer.group.gone", {}
        if outcome.delivery is not Delivery.SENT:
            return "volunteer.group.not_sent", {}
        with suppress(DatabaseAway, DatabaseRefuses):  # the resident has it all the same
            await self._handovers.note(talk, message.message_id)
        return "", {}

    def _page(self, talk: Talk, name: str) -> Reply | None:
        """A page of Faro in the resident's language: all of it on Telegram, else its short answer."""
        page = self._kit().page(name.lower(), talk.language)
        if page is None or not page.sms:
            return None
        return self._reply(talk, title=page.title, short=page.sms, body=page.body if talk.channel is Channel.TELEGRAM else "")

    @staticmethod
    def _reply(talk: Talk, **parts: str) -> Reply:
        return Reply(language=talk.language, intent="human", **parts)  # type: ignore[arg-type]

    # What happens by itself.

    async def end_quiet(self) -> None:
        """Ends the talks that were quiet for long, and says so in the group."""
        with suppress(DatabaseAway, DatabaseRefuses):
            for talk in await self._handovers.quiet():
                if talk.root:
                    await self._say("volunteer.group.quiet", talk, number=talk.id)

    async def tend(self) -> None:
        """For ever."""
        while True:
            await self.end_quiet()
            await asyncio.sleep(LOOK)


def _county(turn: Turn) -> str:
    """What a question is about: the county that it names, or those that its place may lie in; else the one that is remembered."""
    return " / ".join(meaning.county for meaning in turn.found.options) or turn.county or ""
