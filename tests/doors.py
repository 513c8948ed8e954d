"""One harness for all doors: the real routes over the real Faro. Only the wire is a fake."""

import socket
from asyncio import Protocol
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from threading import Thread
from time import monotonic, sleep
from typing import Literal
from xml.etree import ElementTree

import httpx
import uvicorn
from pydantic import SecretStr
from starlette.types import ASGIApp
from twilio.request_validator import RequestValidator

from bot.app import Doors, Faro, around, build_doors, routes
from bot.settings import Settings

PUBLIC_URL = "https://faro.example.org"
TWILIO_TOKEN = "twilio-token-of-the-tests"
SMS_PATH = "/twilio/messages"


@dataclass(frozen=True, kw_only=True)
class House:
    """Faro with its doors open, and a client that reaches them without a socket."""

    faro: Faro
    doors: Doors
    client: httpx.AsyncClient


@asynccontextmanager
async def open_house(faro: Faro, **changes: object) -> AsyncIterator[House]:
    """Faro's doors as the settings, with these changes, open them."""
    changed = replace(faro, settings=with_settings(faro.settings, **changes))
    doors = build_doors(changed)
    transport = httpx.ASGITransport(app=around(routes(changed, doors)))
    async with httpx.AsyncClient(transport=transport, base_url=PUBLIC_URL) as client:
        yield House(faro=changed, doors=doors, client=client)


def with_settings(settings: Settings, **changes: object) -> Settings:
    secrets = {"twilio_auth_token", "telegram_token", "telegram_secret"}
    return settings.model_copy(update={k: SecretStr(str(v)) if k in secrets else v for k, v in changes.items()})


def signed(form: Mapping[str, str], *, token: str = TWILIO_TOKEN, path: str = SMS_PATH) -> dict[str, str]:
    """The header that Twilio adds to a form for this address."""
    return {"x-twilio-signature": RequestValidator(token).compute_signature(f"{PUBLIC_URL}{path}", dict(form))}


def twiml_texts(answer: httpx.Response) -> list[str]:
    """The messages of a TwiML answer, none for silence."""
    assert answer.headers["content-type"].startswith("application/xml")
    return twiml_of(answer.text)


def twiml_of(xml: str) -> list[str]:
    root = ElementTree.fromstring(xml)
    assert root.tag == "Response"
    return [message.text or "" for message in root]


def wait_until(done: Callable[[], bool], seconds: float = 60) -> None:
    limit = monotonic() + seconds
    while not done():
        assert monotonic() < limit, f"it did not happen within {seconds} seconds"
        sleep(0.005)


@contextmanager
def serving(app: ASGIApp, http: type[Protocol] | Literal["auto"] = "auto") -> Iterator[str]:
    """An app on a real socket of its own, in a thread; its address."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, http=http, log_level="critical", access_log=False, ws="none", timeout_graceful_shutdown=30))
    thread = Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    wait_until(lambda: server.started or not thread.is_alive())
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True  # it leaves by itself; hundreds of tests need not wait the fifth of a second that it takes
