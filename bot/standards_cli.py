"""faro import hsds | export hsds | export csv | export json: contacts from others, and for others."""

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from bot.command_help import SpokenCommand, SpokenGroup, Tongue, one_of
from bot.directory.rows import Row, read_rows
from bot.directory.tables import save
from bot.errors import CannotDo, NotStandard
from bot.feeds.placing import Placing
from bot.geo.points import CountyMap
from bot.geo.tables import load_gazetteer
from bot.messages import LOCAL_TIME, Language
from bot.settings import load_settings
from bot.standards.bringing_in import Bringing, Brought, Skipped
from bot.standards.columns import TABLE_OF
from bot.standards.counties import Counties
from bot.standards.package import Entity
from bot.standards.reading import read_api, read_path
from bot.standards.writing import as_csv, as_json, hsds_files, told, write
from bot.wording.catalog import Words, load_words

standards = typer.Typer()
bringing = typer.Typer(cls=SpokenGroup, no_args_is_help=True)
giving = typer.Typer(cls=SpokenGroup, no_args_is_help=True)
standards.add_typer(bringing, name="import")
standards.add_typer(giving, name="export")

All = Annotated[bool, typer.Option("--all")]
WEB = ("http://", "https://")


@bringing.command("hsds", cls=SpokenCommand)
def import_hsds(
    origin: Annotated[str, typer.Argument(metavar="FILE|URL|DIR")],
    kind: Annotated[str | None, typer.Option()] = None,
    source: Annotated[str, typer.Option()] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run")] = False,
    allow_private: Annotated[bool, typer.Option("--allow-private")] = False,
    *,
    lang: Tongue,
) -> None:
    """Bring in services of HSDS 3.0 as contacts to be reviewed in the studio."""
    if kind is not None and kind not in TABLE_OF:
        raise one_of(kind, TABLE_OF)
    words, gazetteer, online = load_words(), load_gazetteer(), origin.startswith(WEB)
    try:
        services = asyncio.run(read_api(origin, allow_private=allow_private)) if online else read_path(Path(origin))
        brought = Bringing(
            counties=Counties(gazetteer, Placing(CountyMap(), gazetteer)),
            names=frozenset(gazetteer.counties),
            kind=kind,
            source=source or (origin if online else ""),
            today=datetime.now(UTC).astimezone(LOCAL_TIME).date(),
        ).plan(services, load_settings().content)
    except NotStandard as error:
        raise CannotDo(words.say(f"import.cannot.{error.code}", lang, **error.values)) from None
    if not dry_run:
        _write(brought, words, lang)
    _tell(brought, services, words, lang, dry_run=dry_run)


def _write(brought: Brought, words: Words, lang: Language) -> None:
    for table in brought.carried_out():
        try:
            table.path.parent.mkdir(parents=True, exist_ok=True)
            save(table)
        except OSError as error:
            raise CannotDo(words.say("import.cannot.cannot-open", lang, path=table.path, reason=error.strerror or type(error).__name__)) from None


def _tell(brought: Brought, services: list[Entity], words: Words, lang: Language, *, dry_run: bool) -> None:
    screen = Console(file=sys.stdout, highlight=False, soft_wrap=True, markup=False)
    for table, plan in brought.plans.items():
        for values in plan.added:
            screen.print(words.say("import.new", lang, table=table, county=values["county"], name=values["name"]), style="green")
        for change in plan.changed:
            cells = ", ".join(f"{column}: {old or '-'} -> {new or '-'}" for column, (old, new) in change.cells.items())
            screen.print(words.say("import.changed", lang, table=table, name=change.values["name"], cells=cells), style="yellow")
    for one in brought.skipped:
        screen.print(words.say("import.skipped", lang, name=one.name, why=_why(one, words, lang)), style="dim")
    plans = brought.plans.values()
    counts = {"added": sum(len(p.added) for p in plans), "changed": sum(len(p.changed) for p in plans), "same": sum(p.same for p in plans), "skipped": len(brought.skipped)}
    screen.print(words.say("import.sum", lang, services=len(services), **counts))
    screen.print(words.say("import.tried" if dry_run else "import.review", lang))


def _why(one: Skipped, words: Words, lang: Language) -> str:
    if one.why != "fault":
        return words.say(f"import.why.{one.why}", lang, **one.values)
    return words.say("import.why.fault", lang, column=one.values["column"], value=one.values["value"], fault=words.say(f"studio.contacts.fault.{one.values['fault']}", lang))


@giving.command("hsds", cls=SpokenCommand)
def export_hsds(folder: Annotated[Path, typer.Argument(metavar="DIR")], all_: All = False, *, lang: Tongue) -> None:
    """Write the contacts as an HSDS 3.0 data package, and as JSON in the form of HSDS's API."""
    words, rows = load_words(), _rows(all_=all_)
    try:
        write(hsds_files(rows, load_gazetteer().counties), folder)
    except OSError as error:
        raise CannotDo(words.say("import.cannot.cannot-open", lang, path=folder, reason=error.strerror or type(error).__name__)) from None
    Console(file=sys.stdout, highlight=False, soft_wrap=True, markup=False).print(words.say("export.done", lang, count=len(rows), folder=folder))


@giving.command("csv", cls=SpokenCommand)
def export_csv(all_: All = False, *, lang: Tongue) -> None:
    """Print all contacts as one CSV table."""
    sys.stdout.write(as_csv(_rows(all_=all_)))


@giving.command("json", cls=SpokenCommand)
def export_json(all_: All = False, *, lang: Tongue) -> None:
    """Print all contacts as JSON."""
    sys.stdout.write(as_json(_rows(all_=all_)))


def _rows(*, all_: bool) -> list[Row]:
    return told(read_rows(load_settings().content / "contacts"), all_=all_)
