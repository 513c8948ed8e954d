"""The composition root: builds every part once, from settings. The only file that knows all of them."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import sha256
from hmac import new as hmac

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from bot.alerts.broadcasts import Broadcasts
from bot.channels.api import ApiDoor, PassingMemory
from bot.channels.secured import Secured
from bot.channels.sms import STATUS, TwilioDoor
from bot.channels.sms_sending import TwilioSender
from bot.channels.telegram import TelegramDoor
from bot.channels.telegram_sender import TelegramSender
from bot.channels.telegram_shelters import ShelterOrders
from bot.channels.telegram_volunteers import VolunteersDoor
from bot.channels.web import WebDoor
from bot.checks.telling import line_told
from bot.content import Content, Live
from bot.conversation import Conversation
from bot.errors import errors_among
from bot.feeds.openings import Openings
from bot.feeds.shelters import ShelterBoard
from bot.geo.points import CountyMap
from bot.geo.tables import Gazetteer, load_gazetteer
from bot.limits import Limiter
from bot.live import LiveParts, build_desk, build_live
from bot.messages import Channel
from bot.metrics import CONTENT_PROBLEMS, DATABASE_UP, FEED_AGE, FEED_TROUBLE, INBOX_OLDEST, INBOX_WAITING, SPOOL_WAITING
from bot.outgoing import Outgoing, Sender
from bot.router import Rooms, discover_rooms
from bot.settings import Settings
from bot.store.facts import waiting
from bot.store.feeds import Feeds
from bot.store.inbox import Inbox
from bot.store.sealing import Seal
from bot.store.spool import Memory
from bot.store.store import Keeping, Store, closed_store
from bot.store.upkeep import Upkeep
from bot.studio import alerts, contacts, county_map, numbers, pages, questions, shelters, today, try_it
from bot.studio.door import Desk, Studio
from bot.studio.sign_in import SignIn
from bot.understanding.notebook import Progress, no_progress
from bot.wording.catalog import Words, load_words

log = logging.getLogger(__name__)

FIRST_PAUSE, LONGEST_PAUSE = 2, 60
MOST_PROBLEMS = 20


def now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, kw_only=True)
class Faro:
    """The parts that every door needs."""

    settings: Settings
    words: Words
    gazetteer: Gazetteer
    live: Callable[[], Live] = field(repr=False)
    store: Store
    memory: Memory
    clock: Callable[[], datetime]
    rooms: Rooms
    counties: CountyMap
    conversation: Conversation
    feeds: Feeds = field(repr=False)
    board: ShelterBoard = field(repr=False)
    content: Content | None = field(default=None, repr=False)


@asynccontextmanager
async def open_faro(settings: Settings, clock: Callable[[], datetime] = now, progress: Progress = no_progress) -> AsyncIterator[Faro]:
    """Faro without any door; closed at the end."""
    words = load_words()
    gazetteer = load_gazetteer()
    content = Content(settings.content, settings.data / "cache", words, gazetteer, clock, progress)
    store = closed_store(settings.database())
    upkeep = Upkeep(store, keeping(settings), clock)
    beside = [asyncio.create_task(content.watch())]
    try:
        beside.append(asyncio.create_task(upkeep.daily(await upkeep.once())))
        faro = replace(compose(settings, words=words, gazetteer=gazetteer, live=lambda: content.live, store=store, clock=clock), content=content)
        beside += [asyncio.create_task(faro.memory.tend()), asyncio.create_task(faro.board.keep_fresh())]
        yield faro
    finally:
        for task in beside:
            task.cancel()
        await asyncio.wait(beside)
        await store.close()


def keeping(settings: Settings) -> Keeping:
    """How long each kind is kept, in days."""
    return Keeping(
        handled=timedelta(days=settings.keep_handled_days),
        unanswered=timedelta(days=settings.keep_unanswered_days),
        feedback=timedelta(days=settings.keep_feedback_days),
        ratings=timedelta(days=settings.keep_ratings_days),
        tally=timedelta(days=settings.keep_tally_days),
    )


def compose(settings: Settings, *, words: Words, gazetteer: Gazetteer, live: Callable[[], Live], store: Store, clock: Callable[[], datetime]) -> Faro:
    """The parts put together."""
    memory = Memory(store, Seal(settings.key()), settings.data / "spool")
    rooms, counties, feeds = discover_rooms(), CountyMap(), Feeds(store, clock)
    board = ShelterBoard(feeds, gazetteer, clock)

    def boarded() -> Live:
        """The content, with the shelters that are open now."""
        given = live()
        return replace(given, mind=replace(given.mind, kit=lambda moment: replace(given.mind.kit(moment), board=board.with_rows)))

    conversation = Conversation(mind=lambda: boarded().mind, rooms=rooms, memory=memory, counties=counties, limiter=Limiter(), secret=settings.key(), clock=clock)
    return Faro(
        settings=settings,
        words=words,
        gazetteer=gazetteer,
        live=boarded,
        store=store,
        memory=memory,
        clock=clock,
        rooms=rooms,
        counties=counties,
        conversation=conversation,
        feeds=feeds,
        board=board,
    )


@dataclass(frozen=True, kw_only=True)
class Doors:
    """The doors that the settings open."""

    web: WebDoor
    api: ApiDoor
    twilio: TwilioDoor | None = None
    telegram: TelegramDoor | None = None
    outgoing: Outgoing
    live: LiveParts
    routes: Sequence[BaseRoute] = field(default=())


def build_doors(faro: Faro) -> Doors:
    settings, secret = faro.settings, faro.settings.key()
    limiter = Limiter()
    web = WebDoor(faro.conversation, faro.words, secret=secret, kit=lambda: faro.live().mind.kit(faro.clock()), limiter=limiter, proxies=settings.proxies())
    api = _api(faro, limiter)
    senders = _senders(settings, faro.words)
    outgoing = Outgoing(senders=senders, memory=faro.memory, words=faro.words, secret=secret, clock=faro.clock)
    desk = faro.conversation.volunteers = build_desk(
        settings, store=faro.store, patience=faro.memory.patience, group=senders.get(Channel.TELEGRAM), outgoing=outgoing, kit=lambda: faro.live().mind.kit(faro.clock()), clock=faro.clock
    )
    twilio = telegram = None
    if settings.twilio_auth_token:
        subaccounts = {account: token.get_secret_value() for account, token in settings.twilio_subaccount_tokens.items()}
        twilio = TwilioDoor(faro.conversation, auth_token=settings.twilio_auth_token.get_secret_value(), public_url=settings.public_url, subaccounts=subaccounts, number=settings.twilio_from)
    if settings.telegram_token:
        telegram = TelegramDoor(
            faro.conversation,
            faro.words,
            Inbox(faro.store, Seal(secret), Channel.TELEGRAM, faro.clock, faro.memory.patience),
            token=settings.telegram_token.get_secret_value(),
            secret=settings.telegram_secret.get_secret_value() if settings.telegram_secret else hmac(secret, b"telegram webhook", sha256).hexdigest(),
            api_url=settings.telegram_api_url.rstrip("/"),
            public_url=settings.public_url if settings.telegram_webhook() else None,
            shelters=ShelterOrders(openings_of(faro), faro.words, settings.coordinators_chat, partial(faro.conversation.key, Channel.TELEGRAM)) if settings.coordinators_chat else None,
            volunteers=VolunteersDoor(desk, settings.volunteers_chat) if desk and settings.volunteers_chat else None,
        )
    declared = [route for door in (web, api, twilio, telegram) if door for route in door.routes()]
    live = build_live(settings, store=faro.store, feeds=faro.feeds, counties=faro.counties, gazetteer=faro.gazetteer, words=faro.words, outgoing=outgoing, clock=faro.clock, desk=desk)
    return Doors(web=web, api=api, twilio=twilio, telegram=telegram, outgoing=outgoing, live=live, routes=declared)


def _api(faro: Faro, limiter: Limiter) -> ApiDoor:
    """The public API: a conversation of its own, which nobody is remembered by."""
    memory = PassingMemory()
    conversation = Conversation(mind=lambda: faro.live().mind, rooms=faro.rooms, memory=memory, counties=faro.counties, limiter=Limiter(), secret=faro.settings.key(), clock=faro.clock)
    settings = faro.settings
    return ApiDoor(
        conversation,
        memory,
        kit=lambda: faro.live().mind.kit(faro.clock()),
        read_at=lambda: faro.live().read_at,
        keys=settings.keys_of_api(),
        limiter=limiter,
        proxies=settings.proxies(),
    )


def _senders(settings: Settings, words: Words) -> dict[Channel, Sender]:
    """The doors that can write first: Telegram's, and Twilio's once it is known from which account and number."""
    senders: dict[Channel, Sender] = {}
    if settings.telegram_token:
        senders[Channel.TELEGRAM] = TelegramSender(token=settings.telegram_token.get_secret_value(), api_url=settings.telegram_api_url.rstrip("/"), words=words)
    origin = settings.twilio_from or settings.twilio_messaging_service_sid
    if not (settings.twilio_account_sid and settings.twilio_auth_token and origin):
        return senders
    twilio = TwilioSender(
        account=settings.twilio_account_sid,
        token=settings.twilio_auth_token.get_secret_value(),
        sender=settings.twilio_from,
        service=settings.twilio_messaging_service_sid,
        api_url=settings.twilio_api_url,
        status_url=f"{settings.public_url.rstrip('/')}{STATUS}",
    )
    return {**senders, Channel.SMS: twilio, Channel.WHATSAPP: twilio}


def build_server(
    settings: Settings,
    clock: Callable[[], datetime] = now,
    opened: Callable[[Doors], None] = lambda doors: None,
    progress: Progress = no_progress,
) -> ASGIApp:
    """The ASGI application: all doors on one server, one event loop. `opened` is told which doors are open."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with open_faro(settings, clock, progress) as faro:
            doors = build_doors(faro)
            app.router.routes.extend(routes(faro, doors))
            telegram = asyncio.create_task(_keep_starting(doors.telegram)) if doors.telegram else None
            beside = asyncio.create_task(doors.live.run())
            opened(doors)
            try:
                yield
            finally:
                beside.cancel()
                if doors.telegram and telegram:
                    telegram.cancel()
                    await doors.telegram.stop()
                await doors.outgoing.close()

    return around([], lifespan)


def around(routes: Sequence[BaseRoute], lifespan: Callable[[Starlette], AbstractAsyncContextManager[None]] | None = None) -> ASGIApp:
    """The server around its paths."""
    app = Starlette(routes=routes, lifespan=lifespan)
    app.router.redirect_slashes = False  # Starlette makes such a redirect of the Host header, which anybody can write
    return Secured(app)


async def _keep_starting(door: TelegramDoor) -> None:
    """Telegram out of reach must not keep the other doors closed: it is tried again, ever more slowly."""
    pause = FIRST_PAUSE
    while True:
        try:
            await door.start()
        except Exception as error:  # noqa: BLE001  whatever Telegram or the network says, the other doors stay open
            log.warning("Telegram did not answer (%s); trying again in %d s", type(error).__name__, pause)
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
        else:
            return


def routes(faro: Faro, doors: Doors) -> list[BaseRoute]:
    """All paths of the server."""
    studio = build_studio(faro, faro.content, doors.live.broadcasts).routes() if faro.content else ()
    return [*doors.routes, *studio, *_health(faro)]


def openings_of(faro: Faro) -> Openings:
    """What coordinators open and close shelters with."""
    return Openings(faro.feeds, faro.board, faro.gazetteer, lambda: faro.live().mind.kit(faro.clock()).directory.shelters(), faro.clock)


def build_studio(faro: Faro, content: Content, broadcasts: Broadcasts) -> Studio:
    """The volunteers' pages over the content that is served."""
    desk = Desk(
        content=content,
        store=faro.store,
        words=faro.words,
        gazetteer=faro.gazetteer,
        rooms=faro.rooms,
        rehearsal=Conversation(mind=lambda: faro.live().mind, rooms=faro.rooms, memory=try_it.ShortMemory(), counties=faro.counties, limiter=Limiter(), secret=faro.settings.key(), clock=faro.clock),
        clock=faro.clock,
        kit=lambda: faro.live().mind.kit(faro.clock()),
        broadcasts=broadcasts,
        openings=openings_of(faro),
        secure=faro.settings.public_url.startswith("https://"),
    )
    return Studio(
        desk, SignIn(faro.settings.key(), faro.clock), [alerts.routes, today.routes, pages.routes, try_it.routes, questions.routes, numbers.routes, contacts.routes, county_map.routes, shelters.routes]
    )


def _health(faro: Faro) -> Sequence[Route]:
    async def health(_request: Request) -> Response:
        live = faro.live()
        content = {"read_at": live.read_at.isoformat(timespec="seconds"), "learning": live.learning, "problems": [line_told(p, faro.words, "en") for p in live.problems[:MOST_PROBLEMS]]}
        return JSONResponse({"status": "alive", "content": content})

    async def ready(_request: Request) -> Response:
        try:
            await faro.store.alive()
        except Exception as error:  # noqa: BLE001  any failure means 'not ready'
            return JSONResponse({"status": "the database does not answer", "error": type(error).__name__}, status_code=503)
        return JSONResponse({"status": "ready"})

    async def metrics(_request: Request) -> Response:
        await _measure(faro)
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return (Route("/health", health), Route("/ready", ready), Route("/metrics", metrics))


async def _measure(faro: Faro) -> None:
    """What is waiting, as it is now. A database that is away keeps the rest from nobody."""
    SPOOL_WAITING.set(faro.memory.waiting)
    CONTENT_PROBLEMS.set(len(errors_among(faro.live().problems)))
    try:
        async with asyncio.timeout(FIRST_PAUSE):
            owed, feeds = await waiting(faro.store), await faro.feeds.all()
    except Exception:  # noqa: BLE001  whatever the database throws, this is what is told of it
        DATABASE_UP.set(0)
        return
    DATABASE_UP.set(1)
    for name, kept in feeds.items():
        FEED_AGE.labels(name).set((faro.clock() - (kept.good_at or kept.asked_at)).total_seconds())
        FEED_TROUBLE.labels(name).set(bool(kept.trouble))
    INBOX_WAITING.set(owed.count)
    INBOX_OLDEST.set(max(0, (faro.clock() - owed.since).total_seconds()) if owed.since else 0)
