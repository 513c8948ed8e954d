"""faro backup | restore | doctor: for those who run Faro."""

import asyncio
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from rich.console import Console
from rich.text import Text

from bot.errors import CannotDo, NoBackup
from bot.live import seal
from bot.messages import LOCAL_TIME, Language
from bot.operations import Finding, Grade, examine
from bot.settings import Settings, load_settings
from bot.store import backup as backups
from bot.store.facts import Facts, read_facts
from bot.store.sealing import Seal
from bot.store.store import open_store
from bot.store.subscriptions import Subscriptions
from bot.wording.catalog import Words, load_words

operations = typer.Typer()

Tongue = Annotated[Language, typer.Option("--lang", help="The language in which Faro speaks to you, en or es.")]
STYLES = {Grade.OK: "green", Grade.WARN: "yellow", Grade.BAD: "red"}
T = TypeVar("T")


@operations.command()
def backup(file: Path, lang: Tongue = "en") -> None:
    """Save the database in one file, sealed with Faro's secret."""
    settings, words = load_settings(), load_words()
    facts = _facts(settings, words, lang)
    if facts.revision is None:
        raise CannotDo(words.say("backup.nothing", lang))
    _told(lambda: backups.write_backup(settings.database(), facts, _seal(settings), file, datetime.now(UTC)), words, lang)
    _say(words.say("backup.done", lang, file=file, size=f"{file.stat().st_size:,}"))


@operations.command()
def restore(file: Path, yes: Annotated[bool, typer.Option("--yes", help="Also over a database that is newer than the backup.")] = False, lang: Tongue = "en") -> None:
    """Put a backup in the place of the database. Stop Faro first."""
    settings, words = load_settings(), load_words()
    facts = _facts(settings, words, lang)
    seal = _told(lambda: _seal(settings), words, lang)
    label = _told(lambda: backups.read_label(file, seal), words, lang)
    if facts.newest and not yes and (label.newest is None or facts.newest > datetime.fromisoformat(label.newest)):
        raise CannotDo(words.say("backup.newer", lang, ours=_moment(facts.newest), theirs=_moment(datetime.fromisoformat(label.newest or label.made_at))))
    _told(lambda: backups.restore(settings.database(), file, seal, facts.kind), words, lang)
    asyncio.run(_up_to_date(settings.database()))
    _say(words.say("backup.restored", lang, made=_moment(datetime.fromisoformat(label.made_at))))


@operations.command()
def reseal(lang: Tongue = "en") -> None:
    """After FARO_SECRET was changed: seal the numbers that are kept for alerts anew; FARO_FORMER_SECRETS opens them."""
    settings, words = load_settings(), load_words()

    async def run() -> int:
        store = await open_store(settings.database())
        try:
            return await Subscriptions(store, seal(settings), lambda: datetime.now(UTC)).reseal()
        finally:
            await store.close()

    _say(words.say("reseal.done", lang, count=asyncio.run(run())))


@operations.command()
def doctor(lang: Tongue = "en") -> None:
    """Look at settings, webhooks, clock, disk, database and content, and say what to do."""
    settings, words = load_settings(), load_words()
    findings = asyncio.run(examine(settings, words, lambda: datetime.now(UTC)))
    screen = Console(file=sys.stdout, highlight=False, soft_wrap=True)
    for finding in findings:
        screen.print(_line(finding, words, lang))
    worst = next(grade for grade in (Grade.BAD, Grade.WARN, Grade.OK) if any(finding.grade is grade for finding in findings))
    screen.print(words.say(f"doctor.all-{worst}", lang), style=STYLES[worst])
    raise typer.Exit(code=1 if worst is Grade.BAD else 0)


def _line(finding: Finding, words: Words, lang: Language) -> Text:
    told = words.say(f"doctor.{finding.code}", lang, **finding.values)
    return Text.assemble((f"{words.say(f'doctor.grade.{finding.grade}', lang):7}", STYLES[finding.grade]), told)


def _facts(settings: Settings, words: Words, lang: Language) -> Facts:
    try:
        return asyncio.run(read_facts(settings.database()))
    except Exception as error:  # noqa: BLE001  whatever the driver says
        raise CannotDo(words.say("doctor.database-away", lang, error=type(error).__name__)) from None


def _seal(settings: Settings) -> Seal:
    """With the secret that is there: a new one, made now, would open nothing."""
    if not (settings.secret or (settings.data / "secret").exists()):
        raise NoBackup("no-secret")
    return Seal(settings.key())


def _told(do: Callable[[], T], words: Words, lang: Language) -> T:
    """What cannot be done is told in the operator's language."""
    try:
        return do()
    except NoBackup as error:
        raise CannotDo(words.say(f"backup.cannot.{error.code}", lang, **error.values)) from None


async def _up_to_date(url: str) -> None:
    """An older backup gets the tables of today; and it is seen to open."""
    await (await open_store(url)).close()


def _moment(moment: datetime) -> str:
    return moment.astimezone(LOCAL_TIME).strftime("%Y-%m-%d %H:%M")


def _say(sentence: str) -> None:
    Console(file=sys.stdout, highlight=False, soft_wrap=True).print(Text(sentence))
