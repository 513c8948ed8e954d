"""The contacts of a county: tables as volunteers save them, what is shown and what is not, and all 100 counties asked in both languages."""

import re
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from bot.app import Faro
from bot.directory.directory import Directory
from bot.directory.references import fill
from bot.directory.rows import STATEWIDE, Row, collect_rows, read_rows
from bot.directory.shelters import ShelterList
from bot.errors import ContentError
from bot.geo.tables import Gazetteer
from bot.messages import LANGUAGES, LOCAL_TIME, Channel, Inbound, Language
from bot.settings import ROOT
from bot.wording.gsm7 import fold
from tests.conftest import NOON

HEADER = "id,county,name,name_es,phone,hours,hours_es,notes,notes_es,confidence,open_from,open_until,as_of"


def _read(folder: Path, **tables: str) -> list[Row]:
    for name, text in tables.items():
        (folder / f"{name}.csv").write_bytes(text.encode("utf-8"))
    return read_rows(folder)


def _directory(folder: Path, gazetteer: Gazetteer, **tables: str) -> Directory:
    return Directory(_read(folder, **{name: f"{HEADER}\n{text}" for name, text in tables.items()}), gazetteer.counties)


PLAIN = "id,county,name,phone\na,Wake,Aid,919-555-0101\n"


@pytest.mark.parametrize(
    "text",
    [PLAIN, "\ufeff" + PLAIN, PLAIN.replace(",", ";"), PLAIN.replace("\n", "\r\n"), "id , county,name ,phone\n a ,Wake  , Aid,919-555-0101  \n\n,,,\n", PLAIN.removesuffix("\n")],
    ids=["plain", "BOM", "semicolons", "Windows", "blanks", "no last newline"],
)  # fmt: skip
def test_a_table_as_spreadsheets_save_it(tmp_path: Path, text: str) -> None:
    (row,) = _read(tmp_path, hotlines=text)
    assert (row["id"], row.county, row["name"], row["phone"], row.line) == ("a", "Wake", "Aid", "919-555-0101", 2)


def test_a_semicolon_inside_a_comma_table_stays(tmp_path: Path) -> None:
    (row,) = _read(tmp_path, hotlines="id,county,name,languages\na,Wake,Aid,en;es\n")
    assert row["languages"] == "en;es"


def test_every_problem_is_listed_with_file_and_line(tmp_path: Path) -> None:
    with pytest.raises(ContentError) as caught:
        _read(
            tmp_path,
            hotlines="id,county,name,phone\na,Wake,Aid,919-555-0101\n,Wake,Aid\nb,,Aid\nc,Wake,\nd,Wake,Aid, one,two\n",
            shelters="id,county,name\nz,Wake,Hall\na,Wake,Aid again\n",
            coalitions="id,name\nq,Someone\n",
            food_banks="",
        )
    found = {(p.path.name, p.line, p.code) for p in caught.value.problems}
    assert found == {
        ("hotlines.csv", 3, "cell-empty"),
        ("hotlines.csv", 4, "cell-empty"),
        ("hotlines.csv", 5, "cell-empty"),
        ("hotlines.csv", 6, "cells-too-many"),
        ("shelters.csv", 3, "id-of-another-row"),
        ("coalitions.csv", 1, "columns-missing"),
        ("food_banks.csv", 1, "columns-missing"),
    }
    assert f"{tmp_path / 'hotlines.csv'}:3: cell-empty" in str(caught.value)


def test_a_table_as_windows_writes_it_is_read_and_told(tmp_path: Path) -> None:
    (tmp_path / "hotlines.csv").write_bytes("id,county,name\na,Wake,Línea\n".encode("latin-1"))
    rows, problems = collect_rows(tmp_path)
    assert [row["name"] for row in rows] == ["Línea"]
    assert [(p.code, p.severity, p.line) for p in problems] == [("table-latin1", "warning", 2)]
    assert read_rows(tmp_path) == rows


def test_low_confidence_is_never_shown(tmp_path: Path, gazetteer: Gazetteer) -> None:
    directory = _directory(tmp_path, gazetteer, coalitions="a,Wake,Sure,,919-555-0101,,,,,high\nb,Wake,Unsure,,919-555-0102,,,,,low\nc,Wake,Shouted,,,,,,,LOW\n")
    assert [c.name for c in directory.of_county("coalition", "Wake", "en", NOON).own] == ["Sure"]
    assert directory.line("b", "en") is None
    assert fill("Call {a}? No. Call {b} now. Stay safe.", directory, "en") == "Call 919-555-0101? No. Stay safe."


def test_a_county_with_none_gets_its_nearest_neighbour(tmp_path: Path, gazetteer: Gazetteer) -> None:
    rows = "s,STATEWIDE,State,,,,,,,\nd,Durham,Near,,,,,,,\nj,Johnston,Farther,,,,,,,\nb,Buncombe,Far,,,,,,,\nl,Wake,Unsure,,,,,,,low\n"
    answer = _directory(tmp_path, gazetteer, support_groups=rows).of_county("support-group", "Wake", "en", NOON)
    assert (answer.own, answer.neighbour) == ((), "Durham")
    assert [c.name for c in (*answer.nearby, *answer.statewide)] == ["Near", "State"]


def test_a_county_with_its_own_gets_no_neighbour(tmp_path: Path, gazetteer: Gazetteer) -> None:
    answer = _directory(tmp_path, gazetteer, support_groups="w,Wake,Own,,,,,,,\nd,Durham,Near,,,,,,,\n").of_county("support-group", "Wake", "en", NOON)
    assert ([c.name for c in answer.own], answer.neighbour, answer.nearby) == (["Own"], None, ())


def test_a_row_in_spanish(tmp_path: Path, gazetteer: Gazetteer) -> None:
    directory = _directory(tmp_path, gazetteer, hotlines="a,Wake,Line,Línea,919-555-0101,days,días,English note,,\nb,Wake,Only,,,days,,,nota,\n")
    line, other = directory.line("a", "es"), directory.line("b", "es")
    assert line
    assert other
    assert (line.name, line.hours, line.notes, line.phone) == ("Línea", "días", "", "919-555-0101")
    assert (other.name, other.hours, other.notes) == ("Only", "days", "nota")


def _hours(n: float) -> str:
    return (NOON + timedelta(hours=n)).isoformat()


@pytest.mark.parametrize(
    ("open_from", "open_until", "as_of", "told"),
    [
        ("", "", _hours(-1), True),
        ("", "", _hours(-11.9), True),
        ("", "", _hours(-12.1), False),
        ("", "", _hours(1), False),
        ("", "", "", False),
        ("", "", "yesterday", False),
        (_hours(-5), _hours(5), _hours(-1), True),
        ("", _hours(0), _hours(-1), False),
        ("", _hours(-0.1), _hours(-1), False),
        ("", "until it rains", _hours(-1), False),
        (_hours(1), "", _hours(-1), False),
        ("", "", NOON.astimezone(LOCAL_TIME).strftime("%Y-%m-%d %H:%M"), True),
        ("", NOON.astimezone(LOCAL_TIME).strftime("%Y-%m-%d 13:00"), _hours(-1), True),
        ("", NOON.astimezone(LOCAL_TIME).strftime("%Y-%m-%d 11:00"), _hours(-1), False),
    ],
)
def test_only_a_shelter_that_is_open_now_is_told(tmp_path: Path, gazetteer: Gazetteer, open_from: str, open_until: str, as_of: str, told: bool) -> None:
    directory = _directory(tmp_path, gazetteer, shelters=f"a,Wake,Hall,,,,,,,high,{open_from},{open_until},{as_of}\n")
    assert bool(ShelterList(directory.shelters(), gazetteer).find("Wake", NOON).here) is told


def test_our_own_tables_name_only_counties_of_ours(gazetteer: Gazetteer) -> None:
    rows = read_rows(ROOT / "content" / "contacts")
    assert len(rows) > 300
    assert not [f"{r.path.name}:{r.line} {r.county}" for r in rows if r.county not in gazetteer.counties and r.county != STATEWIDE]
    assert not [f"{r.path.name}:{r.line}" for r in rows if r["confidence"] not in ("high", "medium", "low") or not r["source"] or not datetime.fromisoformat(r["checked"])]


ASKED: dict[tuple[str, Language], str] = {
    ("shelter", "en"): "shelter in {} county",
    ("shelter", "es"): "refugio en el condado de {}",
    ("support-group", "en"): "support groups in {} county",
    ("support-group", "es"): "grupos de apoyo en el condado de {}",
    ("coalition", "en"): "who leads the recovery coalition in {} county",
    ("coalition", "es"): "coalición de recuperación del condado de {}",
}
NONE_KNOWN = {"en": r"I (know of no|have no list of)", "es": r"[Nn]o (conozco|tengo (una )?lista)"}
NUMBER = re.compile(r"(?<![\d-])(?:1-)?\d{3}-\d{3}-\d{4}(?![\d-])")


def _reaches(row: Row) -> list[str]:
    """What of a row leads to somebody."""
    site = re.sub(r"^https?://(www\.)?", "", row["website"]).rstrip("/")
    return [fold(r) for r in (row["phone"], row["text"], row["email"], site) if r]


@pytest.mark.parametrize(("kind", "language"), ASKED)
async def test_all_100_counties_answer(faro: Faro, gazetteer: Gazetteer, kind: str, language: Language) -> None:
    """Every county gets a way to its own people, or is told plainly that none is known and gets 211; and never a number of elsewhere."""
    rows = [r for r in read_rows(ROOT / "content" / "contacts") if r.trusted]
    assert len(gazetteer.counties) == 100
    wrong = {}
    for county in gazetteer.counties:
        asked = Inbound(channel=Channel.SMS, sender=f"{kind}{county}", message_id=f"{kind}{county}", text=ASKED[kind, language].format(county))
        answer = await faro.conversation.answer(asked)
        text = "\n".join((*answer.texts, answer.rest))
        if problem := _problem(text, [r for r in rows if r.county == county], kind, language, county) or _stranger(text, rows, county, gazetteer):
            wrong[county] = (problem, text)
        if (answer.intent, answer.language) != (kind, language):
            wrong[county] = (f"answered {answer.intent} in {answer.language}", text)
    assert not wrong


def _problem(text: str, rows: list[Row], kind: str, language: Language, county: str) -> str:
    """What is wrong with an answer; '' when it is true and useful."""
    own = [r for r in rows if r.kind == kind]
    if county not in text or ("condado" in text.lower()) != (language == "es"):
        return "does not name the county in the language"
    if not own:
        return "" if re.search(NONE_KNOWN[language], text) and "211" in text else "does not say that none is known, or gives no 211"
    if re.search(NONE_KNOWN[language], text):
        return "says that none is known, and there is one"
    return "" if any(reach in text for r in own for reach in _reaches(r)) or (_named(own[0], text) and "211" in text) else "leads to nobody"


def _named(row: Row, text: str) -> bool:
    return any(fold(row[column]) in text for column in ("name", "name_es"))


def _stranger(text: str, rows: list[Row], county: str, gazetteer: Gazetteer) -> str:
    """A number in an answer that is of no row that it may come from."""
    near = {county, STATEWIDE, *(n for n in gazetteer.counties[county].neighbors if n in text)}
    known = {r[column] for r in rows if r.county in near for column in ("phone", "text")}
    strange = set(NUMBER.findall(text)) - {n for k in known for n in NUMBER.findall(k)}
    return f"has the number {', '.join(strange)} from elsewhere" if strange else ""


def test_languages_are_all_walked() -> None:
    assert {language for _, language in ASKED} == set(LANGUAGES)
