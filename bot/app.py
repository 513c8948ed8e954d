"""The composition root: builds every part once, from settings. The only file that knows all of them."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from hmac import new as hmac

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from bot.channels.sms import TwilioDoor
from bot.channels.telegram import TelegramDoor
from bot.channels.web import WebDoor
from bot.content import read_mind
from bot.conversation import Conversation, Mind
from bot.geo.points import CountyMap
from bot.geo.tables import Gazetteer, load_gazetteer
from bot.router import discover_rooms
from bot.settings import ROOT, Settings
from bot.store.store import Store, open_store
from bot.understanding.notebook import Progress, no_progress
from bot.wording.catalog import Words

log = logging.getLogger(__name__)

FIRST_PAUSE, LONGEST_PAUSE = 2, 60


def now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, kw_only=True)
class Faro:
    """The parts that every door needs."""

    settings: Settings
    words: Words
    gazetteer: Gazetteer
    mind: Mind
    store: Store
    conversation: Conversation


@asynccontextmanager
async def open_faro(settings: Settings, clock: Callable[[], datetime] = now, progress: Progress = no_progress) -> AsyncIterator[Faro]:
    """Faro without any door; closed at the end."""
    words = Words(ROOT / "locale")
    gazetteer = load_gazetteer()
    mind = read_mind(settings.content, settings.data / "cache", words, gazetteer, progress)
    store = await open_store(settings.database())
    try:
        await store.tidy(clock())
        yield compose(settings, words=words, gazetteer=gazetteer, mind=mind, store=store, clock=clock)
    finally:
        await store.close()


def compose(settings: Settings, *, words: Words, gazetteer: Gazetteer, mind: Mind, store: Store, clock: Callable[[], datetime]) -> Faro:
    """The parts put together."""
    conversation = Conversation(mind=lambda: mind, rooms=discover_rooms(), store=store, counties=CountyMap(), secret=settings.key(), clock=clock)
    return Faro(settings=settings, words=words, gazetteer=gazetteer, mind=mind, store=store, conversation=conversation)


@dataclass(frozen=True, kw_only=True)
class Doors:
    """The doors that the settings open."""

    web: WebDoor
    twilio: TwilioDoor | None = None
    telegram: TelegramDoor | None = None
    routes: Sequence[BaseRoute] = field(default=())


def build_doors(faro: Faro) -> Doors:
    settings, secret = faro.settings, faro.settings.key()
    web = WebDoor(faro.conversation, faro.words, secret=secret, kit=lambda: faro.mind.kit(now()))
    twilio = telegram = None
    if settings.twilio_auth_token:
        twilio = TwilioDoor(faro.conversation, auth_token=settings.twilio_auth_token.get_secret_value(), public_url=settings.public_url)
    if settings.telegram_token:
        telegram = TelegramDoor(
            faro.conversation,
            faro.words,
            token=settings.telegram_token.get_secret_value(),
            secret=settings.telegram_secret.get_secret_value() if settings.telegram_secret else hmac(secret, b"telegram webhook", sha256).hexdigest(),
            api_url=settings.telegram_api_url.rstrip("/"),
            public_url=settings.public_url if settings.telegram_webhook() else None,
        )
    declared = [route for door in (web, twilio, telegram) if door for route in door.routes()]
    return Doors(web=web, twilio=twilio, telegram=telegram, routes=declared)


def build_server(
    settings: Settings,
    clock: Callable[[], datetime] = now,
    opened: Callable[[Doors], None] = lambda doors: None,
    progress: Progress = no_progress,
) -> Starlette:
    """The ASGI application: all doors on one server, one event loop. `opened` is told which doors are open."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with open_faro(settings, clock, progress) as faro:
            doors = build_doors(faro)
            app.router.routes.extend(routes(faro, doors))
            telegram = asyncio.create_task(_keep_starting(doors.telegram)) if doors.telegram else None
            opened(doors)
            try:
                yield
            finally:
                if doors.telegram and telegram:
                    telegram.cancel()
                    await doors.telegram.stop()

    return Starlette(lifespan=lifespan)


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
    return [*doors.routes, *_health(faro)]


def _health(faro: Faro) -> Sequence[Route]:
    async def health(_request: Request) -> Response:
        return JSONResponse({"status": "alive"})

    async def ready(_request: Request) -> Response:
        try:
            await faro.store.alive()
        except Exception as error:  # noqa: BLE001  any failure means 'not ready'
            return JSONResponse({"status": "the database does not answer", "error": type(error).__name__}, status_code=503)
        return JSONResponse({"status": "ready"})

    async def metrics(_request: Request) -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return (Route("/health", health), Route("/ready", ready), Route("/metrics", metrics))
