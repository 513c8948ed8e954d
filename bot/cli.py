"""The command line: faro serve | chat | match | check | segments."""

import asyncio
import gc
import json
import os
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from bot.alerts_cli import broadcast
from bot.app import Doors, build_server, now, open_faro
from bot.channels.console import CHANNELS, ConsoleDoor
from bot.channels.sms import twiml
from bot.cli_check import check, guarded
from bot.command_help import SpokenCommand, SpokenGroup, Tongue, one_of
from bot.costs import A_DAY, all_sent, cost_table
from bot.directory.directory import Directory
from bot.directory.references import fill
from bot.directory.rows import read_rows
from bot.geo.tables import load_gazetteer
from bot.intents import Kit
from bot.library.reading import collect_library, read_library
from bot.logs import configure
from bot.match import match_lines
from bot.messages import LANGUAGES, Language
from bot.operations_cli import operations
from bot.report import Alike, Figures, alike, as_csv, as_json, as_text, day_of, figures
from bot.router import discover_rooms
from bot.serving import listen
from bot.settings import ROOT, Settings, load_settings
from bot.shelters_cli import shelter
from bot.standards_cli import standards
from bot.store.store import open_store
from bot.studio.county_map import picture_file
from bot.studio.county_picture import SHOWS, Show
from bot.studio.sign_in import ROLES, SignIn, Volunteer
from bot.terminal import err, learning
from bot.understanding.understander import build_understander
from bot.volunteer.cli import unknown, volunteers
from bot.volunteer.names import near
from bot.wording.catalog import load_words
from bot.wording.gsm7 import fold
from bot.wording.gsm7 import segments as count_segments

# How long a thread that reads content keeps an answer waiting, each time the answer comes back from the database or the encoder. Python's own 5 ms are paid dozens of times over.
GIVES_WAY = 0.0001

app = typer.Typer(cls=SpokenGroup, add_completion=False, no_args_is_help=False, pretty_exceptions_enable=False)
app.add_typer(volunteers)
app.add_typer(operations)
app.add_typer(broadcast, name="broadcast")
app.add_typer(standards)
app.add_typer(shelter, name="shelter")


@app.callback(invoke_without_command=True)
def main(context: typer.Context, *, lang: Tongue) -> None:
    """With no command, Faro serves."""
    if context.invoked_subcommand is None:
        serve()


@app.command()
def serve() -> None:
    """Open the doors that the settings open: the web page always, Telegram and Twilio when they are configured."""
    os.umask(0o077)  # what is remembered is nobody else's to read
    settings = load_settings()
    configure(settings.log_level, settings.log_format)
    sys.setswitchinterval(GIVES_WAY)
    server = build_server(settings, opened=lambda doors: _opened(settings, doors), progress=learning())
    listen(server, host=settings.host, port=settings.port)


def _opened(settings: Settings, doors: Doors) -> None:
    """What is built by now stays, and the garbage collector need not look at it again: it would take a quarter of a second, in which nobody is answered."""
    gc.freeze()
    _announce(settings, doors)


def _announce(settings: Settings, doors: Doors) -> None:
    """Which doors are open, where, and what opens the others."""
    base = settings.public_url or f"http://{settings.host}:{settings.port}"
    err.print(f"[green]open[/green]   web page          {base}/")
    if doors.telegram:
        err.print(f"[green]open[/green]   Telegram          {'webhook at ' + base + '/telegram' if settings.telegram_webhook() else 'polling'}")
    else:
        err.print("[yellow]closed[/yellow] Telegram          set FARO_TELEGRAM_TOKEN (from @BotFather)")
    if doors.twilio:
        err.print(f"[green]open[/green]   SMS and WhatsApp  POST {base}/twilio/messages")
    else:
        err.print("[yellow]closed[/yellow] SMS and WhatsApp  set FARO_TWILIO_AUTH_TOKEN and FARO_PUBLIC_URL (from the Twilio console)")
    err.print("[dim]In a terminal: ./faro chat. Ctrl-C to leave.[/dim]")


@app.command(cls=SpokenCommand)
def chat(
    style: Annotated[str, typer.Option()] = "console",
    lang: Annotated[Language | None, typer.Option()] = None,
) -> None:
    """Hold a conversation in this terminal; or, when standard input is not a terminal, answer each of its lines."""
    if style not in CHANNELS:
        raise one_of(style, CHANNELS)
    settings = load_settings()
    configure(settings.log_level, settings.log_format)

    async def talk() -> None:
        async with open_faro(settings, progress=learning()) as faro:
            await ConsoleDoor(faro.conversation, faro.words, style=style, language=lang).run()

    asyncio.run(talk())


@app.command()
def match(content: Annotated[Path | None, typer.Option(help="A folder of pages: <lang>/**/<id>.md and <id>.questions.txt.")] = None) -> None:
    """Read JSON lines {"text", "language", "county"} and write what was understood, one line each."""
    settings = load_settings()
    gazetteer = load_gazetteer()
    understander = build_understander(read_library(content or settings.content), gazetteer, settings.data / ("cache" if content is None else "cache-other"), learning())
    for line in match_lines(sys.stdin, understander, gazetteer):
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


@app.command()
def learn(
    content: Annotated[Path | None, typer.Option(help="The folder to learn from.")] = None,
    cache: Annotated[Path | None, typer.Option(help="Where to keep what was learnt.")] = None,
) -> None:
    """Learn from the content now, so that the next start (or the Faro that runs) has it at once."""
    os.nice(10)
    settings = load_settings()
    library, _ = collect_library(content or settings.content)
    build_understander(library.finished, load_gazetteer(), cache or settings.data / "cache", learning())


@app.command()
def segments(table: Annotated[bool, typer.Option("--table", help="Instead: what every answer of Faro costs, as the table of docs/sms.md.")] = False) -> None:
    """Read JSON lines {"text"} and write {"encoding", "segments"} as a carrier counts them, one line each."""
    if table:
        sys.stdout.write(_costs(load_settings().content))
        return
    for line in sys.stdin:
        if line.strip():
            kind, count = count_segments(json.loads(line)["text"])
            sys.stdout.write(json.dumps({"encoding": kind, "segments": count}) + "\n")
            sys.stdout.flush()


@app.command("studio-link", cls=SpokenCommand)
def studio_link(name: str, role: Annotated[str, typer.Option()] = "editor", *, lang: Tongue) -> None:
    """Print a link that signs a volunteer in to the studio; it is good for an hour."""
    if role not in ROLES:
        raise one_of(role, ROLES)
    settings = load_settings()
    key = SignIn(settings.key(), now).link(Volunteer(name=name[:60], role=role))
    base = settings.public_url.rstrip("/") or f"http://{settings.host}:{settings.port}"
    sys.stdout.write(f"{base}/studio/enter?key={key}\n")


@app.command(cls=SpokenCommand)
def report(
    since: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"])] = None,
    county: Annotated[str | None, typer.Option()] = None,
    format: Annotated[str, typer.Option()] = "text",
    *,
    lang: Tongue,
) -> None:
    """What residents asked, in figures, and what Faro could not answer: for a meeting."""
    if format not in ("text", "csv", "json"):
        raise one_of(format, ("text", "csv", "json"))
    words, gazetteer = load_words(), load_gazetteer()
    named = gazetteer.county_named(county) if county else None
    if county and not named:
        raise typer.BadParameter(str(unknown("volunteer.preview.unknown_county", county, near(county, gazetteer.counties), words, lang)))
    until = day_of(now())
    first = since.date() if since else until - timedelta(days=29)

    async def read() -> tuple[Figures, list[Alike]]:
        store = await open_store(load_settings().database())
        try:
            asked = [one for one in await store.unanswered() if day_of(one.at) >= first and named in (None, one.county)]
            return figures(await store.tallies(first), await store.ratings(), since=first, until=until, county=named), alike(asked)
        finally:
            await store.close()

    found, groups = asyncio.run(read())
    if format == "text":
        Console(file=sys.stdout).print(as_text(found, groups, words, lang))
    else:
        sys.stdout.write((as_csv if format == "csv" else as_json)(found, groups) + "\n")


@app.command()
def fallback() -> None:
    """Print the TwiML for Twilio's fallback URL: what residents are told while Faro is away. Put it on a server that is not Faro's."""
    settings = load_settings()
    words = load_words()
    directory = Directory(read_rows(settings.content / "contacts"), load_gazetteer().counties)
    texts = tuple(fold(fill(words.say("fallback.sms", language), directory, language)) for language in LANGUAGES)
    sys.stdout.write(twiml(texts) + "\n")


@app.command("map", cls=SpokenCommand)
def county_map(show: Annotated[str, typer.Option()] = "coalition", *, lang: Tongue) -> None:
    """Print what each county has, as an SVG picture (docs/images/map.svg)."""
    if show not in SHOWS:
        raise one_of(show, SHOWS)
    gazetteer = load_gazetteer()
    rows = read_rows(load_settings().content / "contacts")
    wanted: Show = next(one for one in SHOWS if one == show)
    sys.stdout.write(picture_file(wanted, Directory(rows, gazetteer.counties), rows, gazetteer, load_words(), now(), lang))


def _costs(content: Path) -> str:
    """The table of docs/sms.md."""
    gazetteer = load_gazetteer()
    directory = Directory(read_rows(content / "contacts"), gazetteer.counties)
    kit = Kit(library=read_library(content), directory=directory, gazetteer=gazetteer, words=load_words(), now=A_DAY)
    return cost_table(asyncio.run(all_sent(kit, discover_rooms())))


app.command(cls=SpokenCommand)(check)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def test(context: typer.Context) -> None:
    """Run the tests (needs the development packages, which ./faro test installs)."""
    os.chdir(ROOT)
    os.execv(sys.executable, [sys.executable, "-m", "pytest", *context.args])  # noqa: S606  our own interpreter


def run() -> None:
    guarded(lambda: app(prog_name="faro"))
