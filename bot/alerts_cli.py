"""faro broadcast: a coordinator's words to those who asked for alerts, from the command line. The Faro that runs sends them."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from rich.console import Console
from rich.progress import Progress as Bar
from rich.table import Table

from bot.alerts.broadcasts import Broadcasts, Estimate
from bot.errors import CannotDo, NotToBeSent
from bot.geo.tables import load_gazetteer
from bot.live import rates, seal
from bot.messages import Language
from bot.settings import load_settings
from bot.store.outbox import Outbox
from bot.store.store import open_store
from bot.store.subscriptions import Subscriptions
from bot.store.tables_live import Notice
from bot.wording.catalog import load_words

broadcast = typer.Typer(invoke_without_command=True, help="Write to those who asked for alerts: draft it, then a second person releases it.")
By = Annotated[str, typer.Option(help="Who you are.")]
Tongue = Annotated[Language, typer.Option("--lang", help="The language in which Faro speaks to you, en or es.")]
T = TypeVar("T")
LOOK_AGAIN = 1.0
out = Console(file=sys.stdout, highlight=False, soft_wrap=True)


def _with(work: Callable[[Broadcasts], Awaitable[T]], lang: Language) -> T:
    """Does something with the broadcasts of this Faro's database."""
    settings, words = load_settings(), load_words()

    async def run() -> T:
        store = await open_store(settings.database())
        try:
            clock = lambda: datetime.now(UTC)  # noqa: E731
            return await work(Broadcasts(Outbox(store, clock), Subscriptions(store, seal(settings), clock), words, rates(settings), clock))
        finally:
            await store.close()

    try:
        return asyncio.run(run())
    except NotToBeSent as error:
        raise CannotDo(words.say(f"studio.alerts.{error.code}", lang, **error.values)) from None


@broadcast.callback()
def draft(
    context: typer.Context,
    county: Annotated[list[str] | None, typer.Option(help="A county; may be given several times.")] = None,
    file: Annotated[Path | None, typer.Option(help="The words: English, a line of three dashes, Spanish.")] = None,
    by: By = "",
    hours: Annotated[float, typer.Option(help="For how many hours it is true.")] = 6,
    life_safety: Annotated[bool, typer.Option("--life-safety", help="Lives are at stake: also at night.")] = False,
    lang: Tongue = "en",
) -> None:
    """Keep a draft and show what people would get and what it costs."""
    if context.invoked_subcommand:
        return
    if not (county and file and by):
        raise typer.BadParameter("--county, --file and --by are needed: faro broadcast --county Buncombe --file words.txt --by Ana")
    gazetteer = load_gazetteer()
    known = {name: gazetteer.county_named(name) for name in county}
    if unknown := [name for name, found in known.items() if found is None]:
        raise typer.BadParameter(f"no county of North Carolina: {', '.join(unknown)}")
    try:
        en, _, es = file.read_text(encoding="utf-8").partition("\n---\n")
    except (OSError, UnicodeDecodeError):
        raise CannotDo(load_words().say("studio.alerts.broadcast-file", lang, file=file)) from None
    counties = [found for found in known.values() if found]

    async def work(broadcasts: Broadcasts) -> tuple[Notice, Estimate]:
        notice = await broadcasts.draft(counties=counties, en=en, es=es, by=by, hours=hours, life_safety=life_safety)
        return notice, await broadcasts.estimate(notice)

    notice, estimate = _with(work, lang)
    words = load_words()
    for share in estimate.shares:
        out.print(f"[bold]{share.channel} {share.language}[/bold] {share.persons} x {share.parts}")
        for text in share.texts:
            out.print(text, style="green", markup=False)
    out.print(words.say("studio.alerts.estimate", lang, persons=estimate.persons, parts=estimate.parts, minutes=round(estimate.seconds / 60, 1)))
    out.print(f"faro broadcast release {notice.id} --by ...", markup=False)
    out.print(words.say("studio.alerts.second", lang), style="yellow")


@broadcast.command()
def release(id: str, by: By, wait: Annotated[bool, typer.Option(help="Watch it being sent.")] = True, lang: Tongue = "en") -> None:
    """Send a draft that somebody else wrote."""

    async def work(broadcasts: Broadcasts) -> None:
        await broadcasts.release(id, by)
        if wait:
            await _watch(broadcasts, id)

    _with(work, lang)


async def _watch(broadcasts: Broadcasts, id_: str) -> None:
    """A bar until all is sent; Ctrl-C ends the watching, not the sending."""
    with Bar(console=Console(stderr=True)) as bar:
        task = bar.add_task("", total=None)
        while (notice := await broadcasts.find(id_)) is not None:
            progress = await broadcasts.progress(notice)
            bar.update(task, total=progress.all, completed=progress.all - progress.waiting)
            if not progress.waiting or notice.state != "sending":
                return
            await asyncio.sleep(LOOK_AGAIN)


def _moved(deed: str) -> Callable[[str, Language], None]:
    def command(id: str, lang: Tongue = "en") -> None:
        async def work(broadcasts: Broadcasts) -> None:
            if not await getattr(broadcasts, deed)(id):
                raise NotToBeSent("broadcast-released")

        _with(work, lang)

    return command


broadcast.command("pause", help="Send no more of it for now.")(_moved("pause"))
broadcast.command("resume", help="Go on sending.")(_moved("resume"))
broadcast.command("cancel", help="Take it back for good; what is on its way arrives.")(_moved("cancel"))


@broadcast.command("list")
def list_(lang: Tongue = "en") -> None:
    """Show the newest, and how far each is."""
    words = load_words()

    async def work(broadcasts: Broadcasts) -> Table:
        table = Table("", "", "", "", "")
        for one in await broadcasts.all():
            table.add_row(one.notice.id, one.notice.made_by, words.say(f"studio.alerts.state.{one.state}", lang), f"{one.sent}/{one.all}", ", ".join(one.notice.counties))
        return table

    out.print(_with(work, lang))
