"""The hallway: one inbound message -> remember, understand, hand over to a room, fit, save -> what the door sends."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from time import perf_counter
from typing import Protocol
from weakref import WeakValueDictionary

from pydantic import TypeAdapter

from bot.directory.phones import may_be_written_to
from bot.directory.shelters import Point
from bot.geo.points import CountyMap
from bot.geo.tables import Meaning
from bot.geo.text import Found
from bot.handover import HelpDesk, Said
from bot.intents import Kit, Turn
from bot.library.pages import CRISIS
from bot.limits import PER_PERSON, TOLD, Limiter
from bot.messages import LOCAL_TIME, Channel, Choice, CrisisLevel, Effects, Inbound, Language, Reply
from bot.metrics import ANSWERS, count_answer
from bot.router import Asked, Rooms, Stage, route
from bot.store.keeping import PERSONAL, Kept, Known
from bot.store.privacy import person_key, scrubbed
from bot.store.sealing import Seal
from bot.store.tables import Conversation as Standing
from bot.store.tables import Handled, Handling, Person, Tally
from bot.store.tables_live import Subscription
from bot.understanding.commands import BY_CARRIER, CARRIER_START, CARRIER_STOP, COMMANDS, YES, command, map_asked, picked
from bot.understanding.crisis import by_words
from bot.understanding.normalise import clean, folded, printable
from bot.understanding.topics import Decision
from bot.understanding.understander import Understander, Understanding, says_something
from bot.wording.fitting import STYLES, Fitted, Style, fit, fit_more

log = logging.getLogger(__name__)

PLACE_HOLDS = timedelta(hours=24)
LONGEST_TEXT = 20_000
# The web door counts addresses, too, and says so itself.
LIMITED = frozenset({Channel.SMS, Channel.WHATSAPP, Channel.TELEGRAM})
# Where Faro can write first, unasked. WhatsApp lets it only for a day after the person wrote.
TOLD_FIRST = frozenset({Channel.SMS, Channel.TELEGRAM})
# Orders that our own texts and the carriers teach in one form: they do not say which language a person speaks.
IN_ANY_LANGUAGE = frozenset({"more", "start", "stop"})
_FITTED = TypeAdapter(Fitted)
MAP = "#map:"


@dataclass(frozen=True, kw_only=True)
class Mind:
    """One reading of the content and what was learnt from it: replaced as a whole when the content changes."""

    kit: Callable[[datetime], Kit] = field(repr=False)
    understander: Understander = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class _Scene:
    """A message beside what is remembered of its sender."""

    inbound: Inbound
    key: str
    person: Person
    known: Person | None
    standing: Standing
    now: datetime


class Remembers(Protocol):
    """What a conversation asks of its memory; none of it fails."""

    async def known(self, key: str, channel: str, message_id: str, /) -> Known: ...
    async def keep(self, kept: Kept, /) -> str: ...
    async def alerts(self, key: str, /) -> tuple[str, ...]: ...


class Conversation:
    """Answers messages. Those of one person in the order they came, those of different persons at the same time."""

    def __init__(self, *, mind: Callable[[], Mind], rooms: Rooms, memory: Remembers, counties: CountyMap, limiter: Limiter, secret: bytes, clock: Callable[[], datetime]) -> None:
        self._mind = mind
        self._rooms = rooms
        self._memory = memory
        self._counties = counties
        self._limiter = limiter
        self._secret = secret
        self._seal = Seal(secret)
        self._clock = clock
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self.volunteers: HelpDesk | None = None  # the doors open later, and with them the volunteers' group

    def key(self, channel: Channel, sender: str) -> str:
        """Whom we know a sender as."""
        return person_key(self._secret, channel, sender)

    async def answer(self, inbound: Inbound) -> Fitted:
        """What to send back. The same message id is given the same answer again, and nothing is done twice."""
        began = perf_counter()
        key = self.key(inbound.channel, inbound.sender)
        lock = self._turns.setdefault(key, asyncio.Lock())
        async with lock:
            remembered = await self._memory.known(key, inbound.channel, inbound.message_id)
            if remembered.answer is not None:
                return replace(_FITTED.validate_json(remembered.answer), repeated=True)
            person, standing = remembered.person, remembered.standing
            if inbound.channel in LIMITED and self._limiter.wait((PER_PERSON, key)) and not _always_heard(inbound):
                return self._too_often(inbound, key, person)
            now = self._clock()
            scene = _Scene(
                inbound=replace(inbound, text=inbound.text[:LONGEST_TEXT]),
                key=key,
                person=person or Person(key=key, language=inbound.language_hint, seen_at=now),
                known=person,
                standing=standing if standing and (standing.updated_at > now - PLACE_HOLDS or (person and person.opted_out)) else Standing(key=key, choices=[], updated_at=now),
                now=now,
            )
            reply = await self._reply(scene)
            fitted = self._fitted(reply, scene)
            kept = self._kept(scene, reply, fitted)
            answer = await self._memory.keep(kept)
            if kept.tally:
                count_answer(inbound.channel, kept.tally.decision, perf_counter() - began)
            return fitted if answer == kept.handled.answer else replace(_FITTED.validate_json(answer), repeated=True)

    def _too_often(self, inbound: Inbound, key: str, person: Person | None) -> Fitted:
        """Said once a minute, then silence: whoever floods us must not cost the others their answers. A crisis and STOP never come here."""
        ANSWERS.labels(inbound.channel, "limited").inc()
        language = inbound.language_hint or self._mind().understander.understand(inbound.text[:LONGEST_TEXT]).language
        if (person and person.opted_out) or self._limiter.wait((TOLD, f"told {key}")):
            return Fitted(language=language)
        kit = self._mind().kit(self._clock())
        return fit(Reply(language=language, intent="limit", short=kit.say("web.too_often", language)), STYLES[inbound.channel], kit.words)

    async def _reply(self, scene: _Scene) -> Reply:
        mind = self._mind()
        kit = mind.kit(scene.now)
        chosen = self._chosen(scene)
        text = clean(chosen.says if chosen else scene.inbound.text)
        token = text.removeprefix("#").partition(":") if text.startswith("#") else None
        usual: Language | None = "es" if scene.person.language == "es" else "en" if scene.person.language == "en" else None
        hint = usual or scene.inbound.language_hint
        understood = Understanding(language=hint or "en") if token else await mind.understander.understand_soon(text, hint)
        found, outside = self._where(scene, understood, token, kit)
        silent_on_language = not understood.language_sure or (understood.ordered and understood.intent in IN_ANY_LANGUAGE)
        language: Language = usual if usual and (scene.person.language_fixed or silent_on_language) else understood.language
        stray = chosen is None and picked(scene.inbound.text[:200]) is not None
        stage, intent = route(
            Asked(
                text=text,
                understood=understood,
                chosen=token[0] if token else None,
                waiting_for=scene.standing.waiting_for,
                stray_number=stray,
                offered=bool(_offered(scene)),
                opted_out=scene.person.opted_out,
                located=scene.inbound.location is not None and bool(found.counties or found.county) and not says_something(text),
                outside=outside and not (understood.decision is Decision.ANSWER and kit.true_anywhere(understood.intent)),
            )
        )
        if stage is Stage.SILENCE:
            # On the web page nothing is sent unasked, and an empty bubble would look broken.
            effects = Effects(waiting_for=BY_CARRIER) if _carrier_answers(scene) else Effects(keep_place=True)
            return Reply(language=language, intent="silence", silent=scene.inbound.channel is not Channel.WEB, short=kit.say("stop.short", language), effects=effects)
        turn = Turn(
            language=language,
            intent=intent,
            text=text,
            county=found.county or (None if found.options or outside else scene.person.county),
            found=found,
            point=_point(scene, found, kit),
            alternatives=understood.alternatives,
            waiting_for=scene.standing.waiting_for,
            rest=scene.standing.rest,
            carrier_answers=_carrier_answers(scene),
            offered=_maps(scene) if intent == "map" else _offered(scene) if stray else (),
            alerts=await self._memory.alerts(scene.key) if intent.startswith("alerts") else (),
            can_be_told=_told_first(scene.inbound),
            volunteers=intent in ("human", "none") and self.volunteers is not None and await self.volunteers.offered(scene.inbound),
            outside=outside,
            media=scene.inbound.media,
        )
        reply = await self._answered(Said(key=scene.key, inbound=scene.inbound, turn=turn, stage=stage, token=token is not None, crisis=understood.crisis), understood, kit)
        return replace(reply, effects=replace(reply.effects, county=found.county)) if found.county and not reply.effects.county else reply

    async def _answered(self, said: Said, understood: Understanding, kit: Kit) -> Reply:
        """What the room says, unless this belongs to a talk with a volunteer."""

        async def ordinary() -> Reply:
            return _completed(await self._rooms.of(said.turn.intent).answer(said.turn, kit), said.turn, said.stage, understood, kit)

        return await (self.volunteers.around(said, kit, ordinary) if self.volunteers else ordinary())

    def _chosen(self, scene: _Scene) -> Choice | None:
        """What was picked from the choices on offer: by number, or by the words of a choice."""
        offered, maps = _offered(scene), _maps(scene)
        text = scene.inbound.text[:200]
        if maps and (asked := map_asked(text)) is not None:
            return maps[asked - 1] if 0 < asked <= len(maps) else None
        number = picked(text)
        if number is not None:
            numbered = offered or maps
            return numbered[number - 1] if 0 < number <= len(numbered) else None
        said = folded(text)
        if said in YES and len(offered) == 1:
            return offered[0]
        return next((c for c in offered if said and folded(c.label) == said), None)

    def _where(self, scene: _Scene, understood: Understanding, token: tuple[str, str, str] | None, kit: Kit) -> tuple[Found, bool]:
        """The place of this message: a shared location, a picked county, or what the text names; and whether it lies outside the State."""
        if location := scene.inbound.location:
            counties = self._counties.counties_at(location.latitude, location.longitude)
            options = tuple(Meaning(name=c, kind="county", county=c) for c in counties)
            if len(counties) == 1:
                return Found(county=counties[0]), False
            return Found(options=options), not counties
        if token and token[0] == "county" and token[2]:
            name, _, zip_code = token[2].partition("@")
            return Found(county=kit.gazetteer.county_named(name), zip=zip_code or None), False
        return understood.found, understood.found.outside

    def _fitted(self, reply: Reply, scene: _Scene) -> Fitted:
        words = self._mind().kit(scene.now).words
        style = STYLES[scene.inbound.channel]
        if reply.intent == "more" and scene.standing.rest and style in (Style.SMS, Style.WHATSAPP, Style.CONSOLE):
            text, rest = fit_more(reply.short, reply.language, style, words)
            return Fitted(language=reply.language, intent="more", texts=(text,), rest=rest)
        return fit(reply, style, words)

    def _kept(self, scene: _Scene, reply: Reply, fitted: Fitted) -> Kept:
        """What this answer changes in what is remembered."""
        effects, person = reply.effects, scene.person
        county = effects.county or person.county
        fixed = person.language_fixed or effects.language is not None
        after = Person(
            key=scene.key,
            language=effects.language or reply.language,
            language_fixed=fixed,
            county=county,
            opted_out=person.opted_out if effects.opted_out is None else effects.opted_out,
            seen_at=scene.now,
        )
        keep_place = effects.keep_place and not fitted.choices and not fitted.rest
        known = scene.known or Person(key=scene.key, seen_at=scene.now)
        standing = scene.standing
        # A crisis after the carrier's STOP is answered, and the START is still the carrier's.
        still_out = standing.waiting_for == BY_CARRIER and after.opted_out and not effects.waiting_for
        # A list stays on offer while people pick from it: MENU, 2, then 4.
        same_list = keep_place or reply.intent == "more" or (not fitted.choices and self._chosen(scene) is not None)
        # The maps are those of the newest answer that has any.
        maps = tuple(Choice(label="", says=f"{MAP}{place}") for place in effects.maps) or (_maps(scene) if same_list else ())
        return Kept(
            person=after,
            changed=tuple(name for name in PERSONAL if getattr(after, name) != getattr(known, name)),
            conversation=Standing(
                key=scene.key,
                waiting_for=standing.waiting_for if keep_place or reply.intent == "more" or still_out else effects.waiting_for,
                choices=[{"label": c.label, "says": c.says} for c in (*(_offered(scene) if same_list else fitted.choices), *maps)],
                rest=standing.rest if keep_place else fitted.rest,
                updated_at=scene.now,
            ),
            handled=Handled(
                channel=scene.inbound.channel,
                message_id=scene.inbound.message_id[:128],
                key=scene.key,
                answer=_FITTED.dump_json(fitted).decode(),
                at=scene.now,
            ),
            unanswered=scrubbed(printable(scene.inbound.text)) if effects.unanswered else None,
            feedback=scrubbed(effects.feedback) if effects.feedback else None,
            rated=effects.rated,
            tally=_tally(scene, reply, county),
            forget=effects.forget,
            subscribe=self._subscription(scene, effects.alerts, after.language) if effects.alerts else None,
            unsubscribe=effects.alerts_end,
        )

    def _subscription(self, scene: _Scene, county: str, language: str | None) -> Subscription:
        return Subscription(
            key=scene.key,
            channel=scene.inbound.channel,
            county=county,
            language=language or "en",
            address=self._seal.close(scene.inbound.sender),
            at=scene.now,
        )


def _completed(reply: Reply, turn: Turn, stage: Stage, understood: Understanding, kit: Kit) -> Reply:
    """What stands around a room's answer: after it, a second thing that was asked; before it, the crisis line of a 'maybe', and that Faro knows one State only."""
    if reply.silent:
        return reply
    also = understood.also if turn.intent == understood.intent else understood.intent
    if also and stage is Stage.TOPIC and not reply.choices:
        reply = replace(reply, choices=(Choice(label=kit.title(also, reply.language), says=f"#{also}"),))
    leads = []
    if understood.crisis and understood.crisis.level is CrisisLevel.MAYBE and reply.intent not in CRISIS:
        leads.append(kit.say(f"crisis.maybe.{understood.crisis.kind}", reply.language))
    if turn.outside and stage is Stage.TOPIC:
        leads.append(kit.say("ask.outside", reply.language))
    return replace(reply, lead=" ".join(leads))


def _offered(scene: _Scene) -> tuple[Choice, ...]:
    return tuple(Choice(**c) for c in scene.standing.choices if not c["says"].startswith(MAP))


def _maps(scene: _Scene) -> tuple[Choice, ...]:
    """What MAP 1, MAP 2, ... would show: remembered with the choices, and never offered among them."""
    return tuple(Choice(**c) for c in scene.standing.choices if c["says"].startswith(MAP))


def _point(scene: _Scene, found: Found, kit: Kit) -> Point | None:
    """Where the person is, as near as this message says."""
    if location := scene.inbound.location:
        return location.latitude, location.longitude
    return kit.gazetteer.point_of(found.zip, found.place, found.county)


def _told_first(inbound: Inbound) -> bool | None:
    """Whether Faro can write first where this came from; None: there it can, but not to this number. In a rehearsal at a terminal there is no number at all."""
    if inbound.channel is Channel.SMS and inbound.sender.removeprefix("+").isdigit() and not may_be_written_to(inbound.sender):
        return None
    return inbound.channel in TOLD_FIRST


def _carrier_answers(scene: _Scene) -> bool:
    """Whether the carrier takes this for an order and answers it: STOP in its own words, START only from those whose STOP it took."""
    said = scene.inbound.text.strip().lower()
    ours = said in CARRIER_STOP or (said in CARRIER_START and scene.person.opted_out and scene.standing.waiting_for == BY_CARRIER)
    return scene.inbound.carrier_answered or (scene.inbound.channel is Channel.SMS and ours)


def _tally(scene: _Scene, reply: Reply, county: str | None) -> Tally | None:
    """What is counted of an answer; nothing of silence, which is none."""
    if reply.intent == "silence":
        return None
    day = scene.now.astimezone(LOCAL_TIME).date()
    return Tally(day=day, channel=scene.inbound.channel, language=reply.language, intent=reply.intent, decision=_handling(reply.intent), county=county or "")


def _handling(intent: str) -> Handling:
    """What became of a message, by the intent of its answer."""
    if intent in CRISIS:
        return Handling.CRISIS
    if intent in COMMANDS or intent == "useful":
        return Handling.ORDER
    return {"clarify": Handling.OFFERED, "none": Handling.REFUSED}.get(intent, Handling.ANSWERED)


def _always_heard(inbound: Inbound) -> bool:
    """What no limit keeps from us: a crisis, and the wish to get no more."""
    text = inbound.text[:LONGEST_TEXT]
    return inbound.carrier_answered or command(clean(text)) == "stop" or by_words(text) is not None
