"""Figures of what residents asked: right, without small counts of a county, and harmless in a spreadsheet."""

import asyncio
import csv
import io
import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot.app import now
from bot.cli import app
from bot.report import Alike, alike, as_csv, as_json, day_of, figures
from bot.store.keeping import Kept
from bot.store.store import open_store
from bot.store.tables import Conversation, Handled, Person, Rating, Tally, Unanswered

TODAY = date(2026, 12, 10)
NOON = datetime(2026, 12, 10, 17, 0, tzinfo=UTC)


def tally(count: int, *, day: date = TODAY, intent: str = "food", decision: str = "answered", county: str = "", language: str = "en") -> Tally:
    return Tally(day=day, channel="sms", language=language, intent=intent, decision=decision, county=county, count=count)


def asked(text: str, *, language: str = "en", county: str | None = None, number: int = 1, at: datetime = NOON) -> Unanswered:
    return Unanswered(id=number, key="k", text=text, language=language, county=county, at=at)


def rating(key: str, *, useful: bool, county: str | None = None) -> Rating:
    return Rating(key=key, intent="food", useful=useful, language="en", county=county, at=NOON)


SOME = (
    tally(7, county="Wake"),
    tally(4, county="Hyde"),
    tally(2, county="Wake", language="es"),
    tally(3, intent="none", decision="refused", day=TODAY - timedelta(days=1)),
    tally(1, intent="crisis-suicide", decision="crisis", county="Wake"),
    tally(50, day=TODAY - timedelta(days=2)),
)
RATINGS = (rating("a", useful=True), rating("b", useful=False), rating("c", useful=False, county="Wake"))


def test_sums_are_right_and_days_without_a_message_stand_there() -> None:
    f = figures(SOME, RATINGS, since=TODAY - timedelta(days=1), until=TODAY + timedelta(days=1))
    assert f.messages == 17
    assert f.days == {"2026-12-09": 3, "2026-12-10": 14, "2026-12-11": 0}
    assert (f.languages, f.channels, f.topics) == ({"en": 15, "es": 2}, {"sms": 17}, {"food": 13})
    assert f.handlings == {"answered": 13, "offered": 0, "refused": 3, "crisis": 1, "order": 0}
    assert (f.useful, f.not_useful) == ({"food": 1}, {"food": 2})


def test_fewer_than_five_of_a_county_are_not_told() -> None:
    f = figures(SOME, RATINGS, since=TODAY, until=TODAY)
    assert f.counties == {"Wake": 10, "Hyde": None}
    wake = figures(SOME, RATINGS, since=TODAY, until=TODAY, county="Wake")
    assert (wake.messages, wake.languages, wake.not_useful) == (10, {"en": 8, "es": None}, {"food": None})
    assert (wake.handlings["crisis"], wake.handlings["refused"]) == (None, 0)
    hyde = figures(SOME, RATINGS, since=TODAY, until=TODAY, county="Hyde")
    group = Alike(asked=[asked("where is the ferry", county="Hyde")])
    assert '"messages": null' in as_json(hyde, [group])
    assert json.loads(as_json(hyde, [group]))["unanswered"] == [{"language": "en", "text": "where is the ferry", "count": None}]
    assert [row for row in csv.reader(io.StringIO(as_csv(hyde, [group]))) if "4" in row or "1" in row] == []


def test_questions_that_say_much_the_same_are_one_group_within_a_language() -> None:
    texts = ["Where can I get a TETANUS shot", "dónde hay una vacuna del tétano", "where can i get tetanus shot?", "my roof leaks", "tetanus shot where"]
    groups = alike(asked(t, language="es" if t.startswith("d") else "en", number=n) for n, t in enumerate(texts))
    assert [[one.id for one in group.asked] for group in groups] == [[0, 2, 4], [1], [3]]
    assert groups[0].text == "tetanus shot where"
    assert len(alike([asked("no hay luz", language="es"), asked("no hay luz", language="en")])) == 2


@pytest.mark.parametrize("text", ["=cmd|' /C calc'!A0", "+1", "-2+3", "@SUM(A1)", "\tx", "\rx"])
def test_no_cell_is_a_formula(text: str) -> None:
    f = figures((), (), since=TODAY, until=TODAY)
    rows = list(csv.reader(io.StringIO(as_csv(f, [Alike(asked=[asked(text)])]), newline="")))
    assert rows[-1] == ["unanswered en", f"'{text}", "1"]
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]


def test_a_day_is_that_of_north_carolina() -> None:
    assert day_of(datetime(2026, 12, 11, 4, 59, tzinfo=UTC)) == TODAY
    assert day_of(datetime(2026, 12, 11, 5, 0)) == date(2026, 12, 11), "as SQLite gives it"


@pytest.fixture
def filled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A data folder with some messages of today in it."""
    monkeypatch.setenv("FARO_DATA", str(tmp_path))
    at = now()

    async def fill() -> None:
        store = await open_store(f"sqlite+aiosqlite:///{tmp_path / 'faro.sqlite3'}")
        for n in range(6):
            person, standing = Person(key=f"p{n}", language="en", county="Wake", seen_at=at), Conversation(key=f"p{n}", choices=[], updated_at=at)
            handled = Handled(channel="sms", message_id=f"m{n}", key=f"p{n}", answer="one", at=at)
            counted = tally(1, day=day_of(at), county="Wake" if n else "Hyde")
            await store.keep(Kept(person=person, conversation=standing, handled=handled, unanswered="[red]is the ferry running" if n == 0 else None, tally=counted))
        await store.close()

    asyncio.run(fill())


@pytest.mark.usefixtures("filled")
def test_the_command_tells_the_same_in_each_format() -> None:
    def told(*more: str) -> str:
        done = CliRunner().invoke(app, ["report", *more])
        assert done.exit_code == 0, done.output
        return done.stdout

    text = told()
    assert all(part in text for part in ("6 messages", "fewer than 5", "[red]is the ferry running"))
    assert json.loads(told("--format", "json"))["by"]["county"] == {"Wake": 5, "Hyde": None}
    assert ["county", "Wake", "5"] in list(csv.reader(io.StringIO(told("--format", "csv"))))
    of_wake = json.loads(told("--format", "json", "--county", "wake county"))
    assert (of_wake["messages"], of_wake["by"]["topic"]) == (5, {"food": 5})
    assert json.loads(told("--format", "json", "--since", "2999-01-01"))["messages"] == 0


@pytest.mark.parametrize("wrong", [["--format", "pdf"], ["--county", "Atlantis"], ["--since", "yesterday"]])
def test_the_command_refuses_what_it_does_not_know(wrong: list[str]) -> None:
    assert CliRunner().invoke(app, ["report", *wrong]).exit_code == 2
