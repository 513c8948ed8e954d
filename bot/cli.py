"""The command line: faro serve | chat | match | check | segments."""

import asyncio
import json
import logging
import os
import sys
from pathlib import Path
from typing import Annotated

import typer
import uvicorn
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, TextColumn, track
from rich.progress import Progress as Bar

from bot.app import Doors, build_server, open_faro
from bot.channels.console import CHANNELS, ConsoleDoor
from bot.check import problems_of
from bot.directory.rows import read_rows
from bot.errors import ContentError, FaroError
from bot.geo.tables import load_gazetteer
from bot.library.reading import read_library
from bot.match import match_lines
from bot.messages import LANGUAGES, Language
from bot.settings import ROOT, Settings, load_settings
from bot.understanding.notebook import Progress
from bot.understanding.understander import build_understander
from bot.wording.gsm7 import segments as count_segments

app = typer.Typer(add_completion=False, no_args_is_help=False, pretty_exceptions_enable=False, help="Faro, a bilingual disaster-resource chatbot.")
err = Console(stderr=True, highlight=False)


@app.callback(invoke_without_command=True)
def main(context: typer.Context) -> None:
    """With no command, Faro serves."""
    if context.invoked_subcommand is None:
        serve()


@app.command()
def serve() -> None:
    """Open the doors that the settings open: the web page always, Telegram and Twilio when they are configured."""
    settings = load_settings()
    _log_quietly(settings)
    server = build_server(settings, opened=lambda doors: _announce(settings, doors), progress=_learning())
    uvicorn.run(server, host=settings.host, port=settings.port, log_level="warning", access_log=False, timeout_graceful_shutdown=10)


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


@app.command()
def chat(
    style: Annotated[str, typer.Option(help="Dress of the answers: console, sms, whatsapp, telegram or web.")] = "console",
    lang: Annotated[str | None, typer.Option(help="Your language, en or es, until a message shows another.")] = None,
) -> None:
    """Hold a conversation in this terminal; or, when standard input is not a terminal, answer each of its lines."""
    if style not in CHANNELS:
        raise typer.BadParameter(f"{style}: one of {', '.join(CHANNELS)}")
    settings = load_settings()
    _log_quietly(settings)
    language: Language | None = lang if lang in LANGUAGES else None

    async def talk() -> None:
        async with open_faro(settings, progress=_learning()) as faro:
            await ConsoleDoor(faro.conversation, faro.words, style=style, language=language).run()

    asyncio.run(talk())


@app.command()
def match(content: Annotated[Path | None, typer.Option(help="A folder of pages: <lang>/**/<id>.md and <id>.questions.txt.")] = None) -> None:
    """Read JSON lines {"text", "language", "county"} and write what was understood, one line each."""
    settings = load_settings()
    gazetteer = load_gazetteer()
    understander = build_understander(read_library(content or settings.content), gazetteer, settings.data / ("cache" if content is None else "cache-other"), _learning())
    for line in match_lines(sys.stdin, understander, gazetteer):
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


@app.command("eval")
def evaluate() -> None:
    """Ask Faro all of the content's own questions, and show which are answered otherwise than the last time."""
    settings = load_settings()
    library = read_library(settings.content)
    understander = build_understander(library, load_gazetteer(), settings.data / "cache", _learning())
    path = settings.data / "eval.json"
    before: dict[str, str] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    after: dict[str, str] = {}
    for question in track(library.questions, "Asking", console=err, transient=True):
        understood = understander.understand(question.text, question.language)
        after[f"{question.language} {question.text}"] = understood.intent if understood.decision != "clarify" else f"clarify ({understood.intent})"
    right = sum(after[f"{q.language} {q.text}"] == q.intent for q in library.questions)
    for text, answer in after.items():
        if before.get(text, answer) != answer:
            sys.stdout.write(f"{text}: was {before[text]}, is {answer}\n")
    err.print(f"{right} of {len(library.questions)} questions lead to their own page; {sum(before.get(t, a) != a for t, a in after.items())} changed since the last run.")
    path.write_text(json.dumps(after, ensure_ascii=False), encoding="utf-8")


@app.command()
def explain(text: str) -> None:
    """Why a text gets its answer: what was read in it, what each model says, the nearest questions."""
    settings = load_settings()
    why = build_understander(read_library(settings.content), load_gazetteer(), settings.data / "cache", _learning()).explain(text)
    u = why.understood
    crisis = f"{u.crisis.kind} ({u.crisis.level})" if u.crisis else "none"
    lines = [f"{u.decision}: {u.intent} ({u.score:.2f}), language {u.language}, crisis {crisis}, county {u.found.county or ', '.join(u.found.counties) or 'none'}", f"read as: {why.read_as}"]
    lines += [f"next: {s.intent} ({s.score:.2f})" for s in u.alternatives[1:]]
    lines += [f"by {view}: {s.intent} ({s.score:.2f})" for view, s in why.layers.items()]
    lines += [f"near: {question} -> {s.intent} ({s.score:.2f})" for question, s in zip(why.closest_texts, why.closest, strict=True)]
    sys.stdout.write("\n".join(lines) + "\n")


@app.command()
def segments() -> None:
    """Read JSON lines {"text"} and write {"encoding", "segments"} as a carrier counts them, one line each."""
    for line in sys.stdin:
        if line.strip():
            kind, count = count_segments(json.loads(line)["text"])
            sys.stdout.write(json.dumps({"encoding": kind, "segments": count}) + "\n")
            sys.stdout.flush()


@app.command()
def check(content: Annotated[Path | None, typer.Option(help="The folder to check.")] = None) -> None:
    """Read all content and list every problem with its file and line."""
    folder = content or load_settings().content
    library = read_library(folder)
    rows = read_rows(folder / "contacts")
    if problems := problems_of(library, rows, load_gazetteer()):
        raise ContentError(problems)
    err.print(f"[green]All is well:[/green] {len(library.pages)} pages, {len(library.questions)} questions, {len(rows)} contacts.")


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def test(context: typer.Context) -> None:
    """Run the tests (needs the development packages, which ./faro test installs)."""
    os.chdir(ROOT)
    os.execv(sys.executable, [sys.executable, "-m", "pytest", *context.args])  # noqa: S606  our own interpreter


def _learning() -> Progress:
    """A bar on standard error while Faro learns from content that it has not seen, which takes the better part of a minute."""
    bar = Bar(TextColumn("Learning from the content (once)"), BarColumn(), TextColumn("{task.completed}/{task.total} questions"), console=err, transient=True)
    task = bar.add_task("learn", total=None)

    def show(done: int, total: int) -> None:
        if err.is_terminal and not bar.finished:
            bar.start()
        bar.update(task, completed=done, total=total)
        if done >= total:
            bar.stop()
            err.print("[dim]Learning from the content: almost ready.[/dim]")

    return show


def _log_quietly(settings: Settings) -> None:
    """Plain lines on standard error. httpx would log Telegram's addresses, and the bot's token stands in them."""
    logging.basicConfig(level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for name in ("httpx", "httpcore", "telegram", "alembic", "twilio"):
        logging.getLogger(name).setLevel(logging.WARNING)


def run() -> None:
    """The entry: errors raised on purpose are told in words, without a traceback."""
    try:
        app()
    except FaroError as error:
        err.print(f"[red]{escape(str(error))}[/red]")
        raise SystemExit(1) from None
