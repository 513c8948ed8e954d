"""faro shelter open | close | list: for coordinators."""

import asyncio
import getpass
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Annotated

import typer

from bot.command_help import SpokenCommand, SpokenGroup, Tongue, one_of
from bot.directory.directory import Directory
from bot.directory.rows import read_rows
from bot.directory.shelters import Pets
from bot.errors import CannotDo, NoShelter
from bot.feeds.openings import Opening, Openings
from bot.feeds.shelters import ShelterBoard
from bot.feeds.telling import told_done, told_list
from bot.geo.tables import load_gazetteer
from bot.messages import Language
from bot.settings import load_settings
from bot.store.feeds import Feeds
from bot.store.store import open_store
from bot.wording.catalog import Words, load_words

shelter = typer.Typer(cls=SpokenGroup, no_args_is_help=True)


@shelter.command("list", cls=SpokenCommand)
def listing(*, lang: Tongue) -> None:
    """Print what residents are told now, each with the number that closes it."""

    async def read(openings: Openings, words: Words) -> str:
        return told_list(await openings.told_now(), words, lang)

    _work(read, lang)


@shelter.command("open", cls=SpokenCommand)
def open_(
    name: str,
    county: Annotated[str, typer.Option()] = "",
    address: Annotated[str, typer.Option()] = "",
    zip_: Annotated[str, typer.Option("--zip")] = "",
    phone: Annotated[str, typer.Option()] = "",
    pets: Annotated[str | None, typer.Option()] = None,
    wheelchair: Annotated[bool | None, typer.Option("--wheelchair/--no-wheelchair")] = None,
    hours: Annotated[float | None, typer.Option(min=0.1)] = None,
    *,
    lang: Tongue,
) -> None:
    """Say that a shelter is open."""
    if pets is not None and pets not in list(Pets):
        raise one_of(pets, Pets)
    opening = Opening(name=name, county=county, address=address, zip=zip_, phone=phone, pets=Pets(pets) if pets else None, wheelchair=wheelchair, hours=hours)

    async def say(openings: Openings, words: Words) -> str:
        return told_done(await openings.open(opening, _who()), words, lang)

    _work(say, lang)


@shelter.command("close", cls=SpokenCommand)
def close(number: int, *, lang: Tongue) -> None:
    """Say that a shelter is closed, by its number in the list."""

    async def say(openings: Openings, words: Words) -> str:
        return told_done(await openings.close(number, _who()), words, lang)

    _work(say, lang)


def _who() -> str:
    return f"{getpass.getuser()[:40]} (faro shelter)"


def _work(do: Callable[[Openings, Words], Awaitable[str]], lang: Language) -> None:
    settings, words, gazetteer = load_settings(), load_words(), load_gazetteer()

    def clock() -> datetime:
        return datetime.now(UTC)

    async def work() -> str:
        store = await open_store(settings.database())
        try:
            feeds, rows = Feeds(store, clock), Directory(read_rows(settings.content / "contacts"), gazetteer.counties).shelters()
            return await do(Openings(feeds, ShelterBoard(feeds, gazetteer, clock), gazetteer, lambda: rows, clock), words)
        finally:
            await store.close()

    try:
        sys.stdout.write(asyncio.run(work()) + "\n")
    except NoShelter as error:
        raise CannotDo(words.say(f"openings.cannot.{error.code}", lang, **error.values)) from None
