"""Saving and putting back the database, and the doctor: real databases, vendors on real sockets."""

import asyncio
import re
import shutil
import stat
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import time_ns

import pytest
from pydantic import SecretStr
from sqlalchemy import create_engine, text
from typer.testing import CliRunner, Result

from bot import operations
from bot.cli import app
from bot.content import Content
from bot.errors import CannotDo, NoBackup
from bot.geo.tables import Gazetteer
from bot.messages import LANGUAGES
from bot.operations import Finding, Grade, examine
from bot.settings import Settings
from bot.store import backup as backups
from bot.store.inbox import Inbox
from bot.store.keeping import Kept
from bot.store.sealing import Seal
from bot.store.store import open_store
from bot.store.tables import Conversation, Handled, Person
from bot.wording.catalog import Words
from tests.conftest import SECRET
from tests.doors import PUBLIC_URL, serving, with_settings
from tests.fake_telegram import TOKEN, FakeTelegram
from tests.fake_twilio import ACCOUNT, FakeTwilio
from tests.fake_twilio import TOKEN as TWILIO_TOKEN
from tests.postgres import find_binaries, new_database
from tests.small_content import write_content

THEN, LATER = datetime(2026, 12, 10, 17, 0, tzinfo=UTC), datetime(2026, 12, 11, 17, 0, tzinfo=UTC)
WORDS = "el agua entró a la cocina"
NUMBER, FALLBACK = "+19195550100", "https://elsewhere.example.org/fallback.xml"
Run = Callable[..., Result]


# Backups


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'faro.sqlite3'}"
    # A password that a file of passwords must escape; this server asks for none.
    return new_database(request.getfixturevalue("postgres")).replace("faro@", "faro:a%3Ab%5Cc@")


@pytest.fixture
def run(url: str, tmp_path: Path) -> Run:
    """A command over one database."""

    def command(*words: str, **env: str) -> Result:
        given = {"FARO_DATABASE_URL": url, "FARO_DATA": str(tmp_path / "data"), "FARO_SECRET": SECRET.get_secret_value(), "PATH": str(find_binaries())}
        return CliRunner().invoke(app, list(words), env=given | env)

    return command


def remember(url: str, key: str, at: datetime) -> None:
    """Somebody wrote."""

    async def keep() -> None:
        store = await open_store(url)
        await store.keep(
            Kept(
                person=Person(key=key, language="es", county="Wake", seen_at=at),
                conversation=Conversation(key=key, choices=[], updated_at=at),
                handled=Handled(channel="sms", message_id=key, key=key, answer="one", at=at),
                unanswered=WORDS,
            )
        )
        await store.close()

    asyncio.run(keep())


def asked(url: str, *statements: str) -> list[tuple[object, ...]]:
    """The rows of the last statement."""
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    try:
        with engine.begin() as connection:
            results = [connection.execute(text(statement)) for statement in statements]
            return [tuple(row) for row in results[-1]] if results[-1].returns_rows else []
    finally:
        engine.dispose()


def people(url: str) -> list[str]:
    return [str(key) for (key,) in asked(url, "select key from person order by key")]


def refused(result: Result) -> str:
    assert isinstance(result.exception, CannotDo), result.output
    return str(result.exception)


def test_what_was_saved_comes_back_and_what_came_after_is_gone(run: Run, url: str, tmp_path: Path) -> None:
    remember(url, "ann", THEN)
    file = tmp_path / "faro.backup"
    saved = run("backup", str(file))
    assert saved.exit_code == 0, saved.output
    assert "secret" in saved.output
    assert "content folder" in saved.output
    asked(url, "delete from person", "delete from unanswered")
    remember(url, "bea", THEN - timedelta(days=1))
    restored = run("restore", str(file))
    assert restored.exit_code == 0, restored.output
    assert people(url) == ["ann"]
    assert asked(url, "select text from unanswered") == [(WORDS,)]


def test_a_newer_database_is_replaced_only_when_that_is_said(run: Run, url: str, tmp_path: Path) -> None:
    remember(url, "ann", THEN)
    file = tmp_path / "faro.backup"
    run("backup", str(file))
    remember(url, "bea", LATER)
    assert "--yes" in refused(run("restore", str(file)))
    assert "BORRAR" in refused(run("restore", str(file), "--lang", "es"))
    assert people(url) == ["ann", "bea"]
    assert run("restore", str(file), "--yes").exit_code == 0
    assert people(url) == ["ann"]


def test_nothing_of_a_backup_can_be_read_and_only_its_owner_may_try(run: Run, url: str, tmp_path: Path) -> None:
    remember(url, "ann", THEN)
    folder = tmp_path / "safe"
    folder.mkdir()
    assert run("backup", str(folder / "faro.backup")).exit_code == 0
    (file,) = folder.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    content = file.read_bytes()
    assert not [word for word in (WORDS.encode(), b"SQLite", b"PostgreSQL", b"person", b"Wake", b"sqlite") if word in content]


def test_another_secret_opens_nothing(run: Run, url: str, tmp_path: Path) -> None:
    remember(url, "ann", THEN)
    file = tmp_path / "faro.backup"
    run("backup", str(file))
    assert "another secret" in refused(run("restore", str(file), FARO_SECRET="x" * 40))
    assert "FARO_SECRET" in refused(run("restore", str(file), FARO_SECRET=""))
    assert not (tmp_path / "data" / "secret").exists()
    assert people(url) == ["ann"]


@pytest.mark.parametrize("fault", ["cut", "without its end", "a part twice", "of another backup"])
def test_a_damaged_backup_changes_nothing(run: Run, url: str, tmp_path: Path, fault: str) -> None:
    remember(url, "ann", THEN)
    file, other = tmp_path / "faro.backup", tmp_path / "other.backup"
    run("backup", str(file))
    run("backup", str(other))
    label, *parts, end = file.read_bytes().splitlines(keepends=True)
    damaged = {
        "cut": [label, *parts, end[:-20]],
        "without its end": [label, *parts],
        "a part twice": [label, parts[0], *parts, end],
        "of another backup": [label, *other.read_bytes().splitlines(keepends=True)[1:]],
    }
    file.write_bytes(b"".join(damaged[fault]))
    assert "not a whole backup" in refused(run("restore", str(file), "--yes"))
    assert people(url) == ["ann"]


def test_a_backup_of_an_older_faro_gets_the_tables_of_today(run: Run, url: str, tmp_path: Path) -> None:
    remember(url, "ann", THEN)
    later = ("handover_note", "handover", "duty", "delivery", "notice", "subscription", "opening", "feed", "lease", "inbox")
    asked(url, *(f"drop table {table}" for table in later), "update alembic_version set version_num = '0003'")
    file = tmp_path / "faro.backup"
    run("backup", str(file))
    remember(url, "bea", THEN)  # brings the tables up to date
    restored = run("restore", str(file), "--yes")
    assert restored.exit_code == 0, restored.output
    assert asked(url, "select count(*) from inbox") == [(0,)]
    assert people(url) == ["ann"]


def test_a_backup_of_a_newer_faro_is_refused(run: Run, url: str, tmp_path: Path) -> None:
    remember(url, "ann", THEN)
    asked(url, "update alembic_version set version_num = '9999'")
    run("backup", str(tmp_path / "faro.backup"))
    assert "newer Faro" in refused(run("restore", str(tmp_path / "faro.backup"), "--yes"))


def test_a_backup_that_fails_leaves_the_last_one_as_it_was(run: Run, url: str, tmp_path: Path) -> None:
    remember(url, "ann", THEN)
    folder = tmp_path / "safe"
    folder.mkdir()
    (folder / "faro.backup").mkdir()  # cannot be replaced by a file
    assert "faro.backup" in refused(run("backup", str(folder / "faro.backup")))
    assert [path.name for path in folder.iterdir()] == ["faro.backup"]
    assert "nowhere" in refused(run("backup", str(tmp_path / "nowhere" / "faro.backup")))


def test_there_is_nothing_to_save_before_the_first_start(run: Run, tmp_path: Path) -> None:
    assert "no database" in refused(run("backup", str(tmp_path / "faro.backup")))
    assert not (tmp_path / "faro.sqlite3").exists()


def test_a_restore_that_fails_half_way_changes_nothing_in_postgresql(postgres: str) -> None:
    url = new_database(postgres)
    remember(url, "ann", THEN)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("PATH", str(find_binaries()))
        with pytest.raises(NoBackup) as failed:
            backups._load_postgresql(url, [b"create table person (x int);\n", b"select 1/0;\n"])
    assert "division by zero" in failed.value.values["reason"]
    assert people(url) == ["ann"]


def test_a_backup_of_the_other_kind_is_refused(postgres: str, tmp_path: Path) -> None:
    here, there = f"sqlite:///{tmp_path / 'faro.sqlite3'}", new_database(postgres)
    remember(here, "ann", THEN)
    env = {"FARO_DATA": str(tmp_path), "FARO_SECRET": SECRET.get_secret_value()}
    assert CliRunner().invoke(app, ["backup", str(tmp_path / "b")], env=env).exit_code == 0
    assert "sqlite" in refused(CliRunner().invoke(app, ["restore", str(tmp_path / "b")], env=env | {"FARO_DATABASE_URL": there}))


def test_a_program_that_is_missing_is_named_with_what_to_install(words: Words) -> None:
    with pytest.raises(NoBackup) as missing:
        backups.find_program("pg_dump_of_nobody")
    for language in LANGUAGES:
        told = words.say(f"backup.cannot.{missing.value.code}", language, **missing.value.values)
        assert "pg_dump_of_nobody" in told
        assert "postgresql-client" in told


# The doctor


@pytest.fixture
def telegram() -> FakeTelegram:
    return FakeTelegram()


@pytest.fixture
def twilio() -> FakeTwilio:
    return FakeTwilio(numbers=[number()])


def number(**changes: str | None) -> dict[str, str | None]:
    return {"phone_number": NUMBER, "sms_url": f"{PUBLIC_URL}/twilio/messages#rc=5&rp=all", "sms_method": "POST", "sms_fallback_url": FALLBACK, **changes}


@pytest.fixture
def running(settings: Settings, telegram: FakeTelegram, twilio: FakeTwilio, learnt: Path, tmp_path: Path) -> Iterator[Settings]:
    """Settings with every door open, and everything as it should be."""
    write_content(tmp_path / "content")
    shutil.copytree(learnt, tmp_path / "cache")
    telegram.webhook = {"url": f"{PUBLIC_URL}/telegram"}
    with serving(telegram.app) as at_telegram, serving(twilio.app) as at_twilio:
        yield with_settings(
            settings,
            content=tmp_path / "content",
            public_url=PUBLIC_URL,
            trusted_proxies="127.0.0.1",
            telegram_token=TOKEN,
            telegram_api_url=at_telegram,
            twilio_account_sid=ACCOUNT,
            twilio_auth_token=TWILIO_TOKEN,
            twilio_from=NUMBER,
            twilio_api_url=at_twilio,
        )


def now() -> datetime:
    return datetime.now(UTC)


async def look(settings: Settings, words: Words, clock: Callable[[], datetime] = now) -> dict[str, Finding]:
    """What the doctor finds; the small content's own problems aside."""
    found = await examine(settings, words, clock)
    return {finding.code: finding for finding in found if finding.code not in ("content", "content-errors")}


def faults(found: dict[str, Finding]) -> dict[str, Grade]:
    return {code: finding.grade for code, finding in found.items() if finding.grade is not Grade.OK}


async def test_all_is_well(running: Settings, words: Words) -> None:
    await (await open_store(running.database())).close()
    found = await look(running, words)
    assert not faults(found)
    assert {"telegram-webhook", "twilio-webhook", "clock", "disk", "database", "spool", "model"} <= found.keys()


@pytest.mark.parametrize(
    ("webhook", "changes", "code", "grade"),
    [
        ({"url": "https://other.example.org/telegram"}, {}, "telegram-elsewhere", Grade.BAD),
        ({}, {}, "telegram-elsewhere", Grade.BAD),
        ({"url": f"{PUBLIC_URL}/telegram"}, {"telegram_mode": "polling"}, "telegram-in-the-way", Grade.BAD),
        ({"url": f"{PUBLIC_URL}/telegram", "pending_update_count": 51}, {}, "telegram-pending", Grade.WARN),
        ({"url": f"{PUBLIC_URL}/telegram", "last_error_date": 10**10, "last_error_message": "Wrong response from the webhook: 403 Forbidden"}, {}, "telegram-error", Grade.WARN),
        ({"url": f"{PUBLIC_URL}/telegram"}, {"telegram_token": "1:wrong"}, "telegram-refused", Grade.BAD),
        ({"url": f"{PUBLIC_URL}/telegram"}, {"telegram_api_url": "http://127.0.0.1:9"}, "telegram-silent", Grade.BAD),
    ],
)
async def test_telegram_is_compared_with_what_it_should_be(
    running: Settings, telegram: FakeTelegram, words: Words, webhook: dict[str, object], changes: dict[str, object], code: str, grade: Grade
) -> None:
    telegram.webhook = webhook
    assert faults(await look(with_settings(running, **changes), words)) == {code: grade}


async def test_an_old_complaint_of_telegrams_is_no_news_and_polling_needs_no_webhook(running: Settings, telegram: FakeTelegram, words: Words) -> None:
    telegram.webhook |= {"last_error_date": int(now().timestamp()) - 4000, "last_error_message": "Connection refused", "pending_update_count": 50}
    assert not faults(await look(running, words))
    telegram.webhook = {}
    assert "telegram-polling" in await look(with_settings(running, telegram_mode="polling"), words)


@pytest.mark.parametrize(
    ("numbers", "changes", "faulty"),
    [
        ([number(sms_url="https://demo.example.org/welcome")], {}, {"twilio-elsewhere": Grade.BAD}),
        ([number(sms_url=f"{PUBLIC_URL}/twilio/messages/#rc=5&rp=all")], {}, {"twilio-elsewhere": Grade.BAD}),
        ([number(sms_url=None)], {}, {"twilio-elsewhere": Grade.BAD}),
        ([number(sms_method="GET")], {}, {"twilio-elsewhere": Grade.BAD}),
        ([number(sms_url=f"{PUBLIC_URL}/twilio/messages")], {}, {"twilio-no-retry": Grade.WARN}),
        ([number(sms_url=f"{PUBLIC_URL}/twilio/messages#rc=2&rp=all")], {}, {"twilio-no-retry": Grade.WARN}),
        ([number(sms_fallback_url="")], {}, {"twilio-no-fallback": Grade.WARN}),
        ([], {}, {"twilio-no-number": Grade.BAD}),
        ([number()], {"twilio_auth_token": "wrong"}, {"twilio-refused": Grade.BAD}),
        ([number()], {"twilio_api_url": "http://127.0.0.1:9"}, {"twilio-silent": Grade.BAD}),
        ([number()], {"twilio_from": ""}, {"twilio-not-looked": Grade.WARN}),
    ],
)
async def test_twilio_is_compared_with_what_it_should_be(
    running: Settings, twilio: FakeTwilio, words: Words, numbers: list[dict[str, str | None]], changes: dict[str, object], faulty: dict[str, Grade]
) -> None:
    twilio.numbers = numbers
    assert faults(await look(with_settings(running, **changes), words)) == faulty


@pytest.mark.parametrize(("off", "grade"), [(50, Grade.OK), (-50, Grade.OK), (90, Grade.WARN), (-90, Grade.WARN)])
async def test_the_clock_is_compared_with_the_vendors(running: Settings, words: Words, off: int, grade: Grade) -> None:
    found = await look(running, words, lambda: now() + timedelta(seconds=off))
    assert found["clock" if grade is Grade.OK else "clock-off"].grade is grade


@pytest.mark.parametrize(
    ("changes", "faulty"),
    [
        ({"public_url": "http://faro.example.org", "twilio_auth_token": "", "telegram_token": ""}, {"public-insecure": Grade.WARN}),
        ({"public_url": "", "twilio_auth_token": "", "telegram_token": ""}, {"public-missing": Grade.WARN}),
        ({"trusted_proxies": ""}, {"proxies-missing": Grade.WARN}),
    ],
)
async def test_settings_that_keep_people_out_are_told(running: Settings, words: Words, changes: dict[str, object], faulty: dict[str, Grade]) -> None:
    quiet = {name: None for name in ("twilio_auth_token", "telegram_token") if changes.get(name) == ""}
    assert faults(await look(running.model_copy(update=changes | quiet), words)) == faulty


async def test_a_webhook_without_https_is_bad(running: Settings, words: Words) -> None:
    assert faults(await look(with_settings(running, public_url="http://faro.example.org"), words))["public-insecure"] is Grade.BAD


async def test_a_database_that_is_away_older_or_newer_is_told(running: Settings, words: Words, tmp_path: Path) -> None:
    nobody = running.model_copy(update={"database_url": SecretStr("postgresql://faro:hunter2@127.0.0.1:9/faro")})
    assert faults(await look(nobody, words)) == {"database-away": Grade.BAD}
    assert "database-new" in await look(running, words)
    await (await open_store(running.database())).close()
    file = f"sqlite:///{tmp_path / 'faro.sqlite3'}"
    await asyncio.to_thread(asked, file, "update alembic_version set version_num = '0003'", "pragma journal_mode = delete")
    assert "database-older" in faults(await look(running, words))
    await asyncio.to_thread(asked, file, "update alembic_version set version_num = '9999'")
    assert faults(await look(running, words))["database-newer"] is Grade.BAD


async def test_postgresql_wants_one_secret_for_all(running: Settings, words: Words, postgres: str, tmp_path: Path) -> None:
    given = running.model_copy(update={"database_url": SecretStr(new_database(postgres)), "secret": None})
    assert faults(await look(given, words)) == {"secret-not-shared": Grade.WARN}
    assert not (tmp_path / "secret").exists()


async def test_a_secret_that_others_can_read_is_bad(running: Settings, words: Words, tmp_path: Path) -> None:
    made = running.model_copy(update={"secret": None})
    made.key()
    assert not faults(await look(made, words))
    (tmp_path / "secret").chmod(0o644)
    assert faults(await look(made, words)) == {"secret-readable": Grade.BAD}


@pytest.mark.parametrize(("minutes", "grade"), [(2, Grade.WARN), (6, Grade.BAD)])
async def test_what_waits_too_long_is_told(running: Settings, words: Words, tmp_path: Path, minutes: int, grade: Grade) -> None:
    began = now() - timedelta(minutes=minutes)
    store = await open_store(running.database())
    await Inbox(store, Seal(running.key()), "telegram", lambda: began).put("1", "{}")
    await store.close()
    (tmp_path / "spool").mkdir()
    (tmp_path / "spool" / f"{time_ns() - minutes * 60 * 10**9:020d}-1.sealed").write_bytes(b"")
    assert faults(await look(running, words)) == {"inbox-waiting": grade, "spool-waiting": grade}


async def test_content_that_is_broken_not_learnt_or_gone_is_told(running: Settings, words: Words, gazetteer: Gazetteer, tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "cache")
    assert faults(await look(running, words)) == {"model-missing": Grade.WARN}
    Content(tmp_path / "content", tmp_path / "cache", words, gazetteer, now)
    assert not faults(await look(running, words))
    (tmp_path / "content" / "en" / "topics" / "sleep.md").write_text("no front matter")
    findings = {finding.code: finding.grade for finding in await examine(running, words, now)}
    assert findings["content-errors"] is Grade.BAD
    shutil.rmtree(tmp_path / "content")
    assert faults(await look(running, words)) == {"content-none": Grade.BAD}


def test_the_command_says_what_to_do_in_both_languages_and_no_secret(running: Settings, telegram: FakeTelegram) -> None:
    telegram.webhook = {"url": f"https://other.example.org/{TOKEN}", "last_error_date": 10**10, "last_error_message": f"at {TOKEN}"}
    secrets = {"FARO_SECRET": SECRET.get_secret_value(), "FARO_TELEGRAM_TOKEN": TOKEN, "FARO_TWILIO_AUTH_TOKEN": TWILIO_TOKEN, "FARO_DATABASE_URL": "postgresql://faro:hunter2@127.0.0.1:9/faro"}
    plain = ("content", "data", "public_url", "telegram_api_url", "twilio_account_sid", "twilio_from", "twilio_api_url")
    env = secrets | {f"FARO_{name.upper()}": str(getattr(running, name)) for name in plain}
    for language, said, closing in (
        ("en", "Telegram calls another place (other.example.org)", "Something is broken"),
        ("es", "Telegram llama a otro lugar (other.example.org)", "Algo está descompuesto"),
    ):
        result = CliRunner().invoke(app, ["doctor", "--lang", language], env=env)
        assert result.exit_code == 1, result.output
        assert said in result.output
        assert closing in result.output
        assert not [secret for secret in (*secrets.values(), "hunter2") if secret in result.output]


def test_every_finding_has_its_sentence_and_every_sentence_its_finding(words: Words) -> None:
    code = Path(operations.__file__).read_text(encoding="utf-8")
    found = set(re.findall(r"""\b(?:ok|warn|bad|\))\(\s*"([a-z-]+)"[,)]""", code)) | set(re.findall(r'"(clock-off)" if .* else "(clock)"', code)[0])
    told = {key.removeprefix("doctor.") for key in words.keys("en") if key.startswith("doctor.") and not key.startswith(("doctor.grade.", "doctor.all-"))}
    assert found == told
