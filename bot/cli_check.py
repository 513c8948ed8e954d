"""`faro check`. It needs none of the libraries that understand a message, and is there at once without them."""

import gc
import sys
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from bot.checks.everything import in_order, problems_of, read_subject
from bot.checks.fixing import mend_files
from bot.checks.showing import as_diff, as_github, as_json, as_text, counted
from bot.checks.subject import Subject
from bot.checks.telling import line_told
from bot.command_help import SpokenCommand, SpokenGroup, Tongue, one_of, spoken
from bot.errors import ContentError, FaroError, Problem, errors_among
from bot.geo.tables import load_gazetteer
from bot.messages import LOCAL_TIME, Language
from bot.settings import load_settings
from bot.wording.catalog import Words, load_words

FORMATS: dict[str, Callable[[Problem, Words, Language], str]] = {"json": as_json, "github": as_github}

app = typer.Typer(cls=SpokenGroup, add_completion=False, pretty_exceptions_enable=False)


@app.callback()
def main() -> None:
    """Faro, a bilingual disaster-resource chatbot."""


@app.command(cls=SpokenCommand)
def check(
    content: Annotated[Path | None, typer.Option()] = None,
    format_: Annotated[str, typer.Option("--format")] = "text",
    fix: Annotated[bool, typer.Option("--fix")] = False,
    reviewed: Annotated[list[str] | None, typer.Option()] = None,
    deep: Annotated[bool, typer.Option("--deep")] = False,
    *,
    lang: Tongue,
) -> None:
    """Read all content and list every problem with its file and line, and how to mend it."""
    if format_ not in (formats := ("text", *FORMATS)):
        raise one_of(format_, formats)
    folder = (content or load_settings().content).absolute()
    counties, words, today = load_gazetteer().counties, load_words(), datetime.now(LOCAL_TIME).date()
    subject, problems = read_subject(folder, counties, words, today)
    if fix and _mend(subject, reviewed or (), quiet=format_ != "text"):
        subject, problems = read_subject(folder, counties, words, today)
    problems = in_order([*problems, *problems_of(subject, deep=deep)])
    _show(problems, subject, lang, format_)
    raise typer.Exit(code=1 if errors_among(problems) else 0)


def _mend(subject: Subject, reviewed: Sequence[str], *, quiet: bool) -> bool:
    """Whether anything was changed. Programs read standard output: they get the problems only."""
    screen = Console(stderr=quiet, highlight=False, soft_wrap=True)
    changes = list(mend_files(subject.folder, subject.library, reviewed))
    for change in changes:
        for line in as_diff(change):
            screen.print(line)
    return bool(changes)


def _show(problems: list[Problem], subject: Subject, language: Language, format_: str) -> None:
    words = subject.words
    screen = Console(stderr=format_ != "text", highlight=False, soft_wrap=True)
    if format_ == "text":
        for line in as_text(problems, words, language):
            screen.print(line)
    else:
        sys.stdout.writelines(f"{FORMATS[format_](problem, words, language)}\n" for problem in problems)
    found = words.say("check.found", language, counts=counted(problems, words, language)) if problems else words.say("check.all_well", language)
    library = subject.library
    sizes = words.say("check.sizes", language, pages=len(library.pages), questions=len(library.questions), contacts=len(subject.rows))
    screen.print(f"{found} {sizes}", style="red" if errors_among(problems) else "green")


def guarded(command: Callable[[], object]) -> None:
    """Errors raised on purpose are told in words, without a traceback."""
    try:
        command()
    except FaroError as error:
        lines = [line_told(problem, load_words(), spoken()) for problem in error.problems] if isinstance(error, ContentError) else [str(error)]
        Console(stderr=True, highlight=False).print(f"[red]{escape(chr(10).join(lines))}[/red]", soft_wrap=True)
        raise SystemExit(1) from None


def run() -> None:
    # A process of two seconds needs no garbage collection, and 40,000 questions make it slow.
    gc.disable()
    guarded(lambda: app(prog_name="faro"))
