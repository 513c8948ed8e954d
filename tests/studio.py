"""The studio over a small content folder of its own, with somebody signed in."""

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import httpx

from bot.app import Faro, compose
from bot.content import Content
from bot.geo.tables import Gazetteer
from bot.settings import Settings
from bot.studio.sign_in import Role, SignIn, Volunteer
from bot.wording.catalog import Words
from tests.conftest import Clock
from tests.doors import House, open_house
from tests.new_store import new_store


@dataclass(frozen=True, kw_only=True)
class Workroom:
    """A signed-in volunteer's browser (without its JavaScript) over Faro."""

    house: House
    content: Content
    folder: Path

    @property
    def client(self) -> httpx.AsyncClient:
        return self.house.client

    @property
    def mark(self) -> str:
        faro = self.house.faro
        return SignIn(faro.settings.key(), faro.clock).mark(self.client.cookies["faro_studio"])

    async def get(self, path: str, language: str = "en") -> httpx.Response:
        return await self.client.get(path, headers={"accept-language": language})

    async def post(self, path: str, language: str = "en", **form: str) -> httpx.Response:
        return await self.client.post(path, data={**form, "mark": self.mark}, headers={"accept-language": language})

    async def sign_in(self, name: str = "Ana", role: Role = "editor") -> httpx.Response:
        key = SignIn(self.house.faro.settings.key(), self.house.faro.clock).link(Volunteer(name=name, role=role))
        return await self.client.get(f"/studio/enter?key={key}")


@asynccontextmanager
async def open_studio(settings: Settings, words: Words, gazetteer: Gazetteer, folder: Path, learnt: Path, clock: Clock, **changes: object) -> AsyncIterator[Workroom]:
    """Faro and its studio over `folder`, with what was learnt from it before; the studio's Ana is signed in."""
    cache = settings.data / "cache"
    shutil.copytree(learnt, cache, dirs_exist_ok=True, copy_function=os.link)
    content = Content(folder, cache, words, gazetteer, clock)
    for model in cache.glob("model-*"):  # what had to be learnt here, the next test finds
        if not (learnt / model.name).exists():
            os.link(model, learnt / model.name)
    store = await new_store(settings)
    faro: Faro = replace(compose(settings, words=words, gazetteer=gazetteer, live=lambda: content.live, store=store, clock=clock), content=content)
    async with open_house(faro, **changes) as house:
        room = Workroom(house=house, content=content, folder=folder)
        await room.sign_in()
        yield room
    await store.close()
