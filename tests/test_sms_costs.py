"""What each answer costs by SMS, and that its first part is of use should the rest come late."""

import asyncio
import re
from statistics import median

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from bot.cli import app
from bot.costs import A_DAY, BY_COUNTY, Sent, all_sent
from bot.directory.directory import Directory
from bot.directory.rows import read_rows
from bot.geo.tables import Gazetteer
from bot.intents import Kit
from bot.library.reading import read_library
from bot.messages import LANGUAGES, Contact, Language, Reply
from bot.router import discover_rooms
from bot.settings import ROOT
from bot.wording.catalog import Words
from bot.wording.first_part import first_part_fault
from bot.wording.fitting import Style, fit, fit_more
from bot.wording.gsm7 import fold, segments
from bot.wording.narrow import broken_reach, cut

FOOTER = "Escriba MAS para seguir."


@pytest.fixture(scope="module")
def kit(words: Words, gazetteer: Gazetteer) -> Kit:
    rows = read_rows(ROOT / "content" / "contacts")
    return Kit(library=read_library(ROOT / "content"), directory=Directory(rows, gazetteer.counties), gazetteer=gazetteer, words=words, now=A_DAY)


@pytest.fixture(scope="module")
def sent(kit: Kit) -> list[Sent]:
    return asyncio.run(all_sent(kit, discover_rooms()))


def test_every_page_and_every_county_is_there(sent: list[Sent], kit: Kit) -> None:
    asked = {(one.language, one.intent, one.county) for one in sent}
    assert asked >= {(language, id_, None) for language, id_ in kit.library.pages}
    assert asked >= {(language, intent, county) for language in LANGUAGES for intent in BY_COUNTY for county in kit.gazetteer.counties}
    assert len(kit.gazetteer.counties) == 100
    assert len(asked) == len(sent)


def test_the_first_part_of_every_answer_stands_alone(sent: list[Sent]) -> None:
    """The question 'Which county?' is one segment, and asks."""
    faults = [(one.language, one.intent, one.county, fault) for one in sent if one.intent != "county" and (fault := first_part_fault(one.text))]
    assert not faults


def test_none_needs_ucs2(sent: list[Sent]) -> None:
    assert not [(one.language, one.intent, one.county) for one in sent if segments(one.text)[0] != "GSM-7"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_answer_costs_two_segments(language: Language, sent: list[Sent]) -> None:
    counts = [one.segments for one in sent if one.language == language]
    assert median(counts) <= 2
    assert max(counts) <= 3
    assert not [one.intent for one in sent if one.language == language and one.county is None and one.segments > 2]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_farewell_is_one_segment_and_says_how_to_come_back(language: Language, sent: list[Sent]) -> None:
    text = next(one.text for one in sent if one.intent == "stop" and one.language == language)
    assert segments(text) == ("GSM-7", 1)
    assert "START" in text


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("Call 211. " + "a" * 160, None),
        ("Breathe in and out. " + "a" * 160, None),
        ("Look at example.org " + "a" * 160, None),
        ("a" * 145 + " 336-555-0100 and more, and then more", "cuts 336-555-0100"),
        ("a" * 145 + " 1-800-555-0100 now", "cuts 1-800-555-0100"),
        ("a" * 146 + " 336-555-0100", None),  # 159 septets alone
        ("Ask us. " + "a" * 138 + " example.org/help and more", "cuts example.org/help"),
        ("¿Tiene miedo de que vuelva a pasar " + "y " * 80, "no whole sentence"),
        ("Is it cold? " + "and dark " * 20 + "Call 211.", "no whole sentence"),
        ("Heat 150 degrees " * 12, "no whole sentence"),
    ],
)
def test_what_is_wrong_with_a_first_part(text: str, fault: str | None) -> None:
    found = first_part_fault(text)
    assert (fault in (found or "")) if fault else found is None


@given(
    before=st.integers(100, 160),
    reach=st.sampled_from(["336-555-0100", "1-800-555-0100", "211", "43362", "example.org/a/long-page", "help@example.org", "(336-555-0100)"]),
    after=st.integers(0, 400),
)
@example(before=149, reach="336-555-0100", after=270)
@settings(deadline=None, max_examples=200)
def test_no_number_is_cut_by_the_first_border(before: int, reach: str, after: int) -> None:
    text = f"{'ábc ' * (before // 4)}{'x' * (before % 4)} {reach} {'fín ' * (after // 4)}".strip()
    part, rest = cut(text, FOOTER, folding=True)
    assert broken_reach(part) is None
    assert segments(part)[1] <= 3
    assert [fold(word) for word in f"{part.removesuffix(FOOTER)} {rest}".split()] == [fold(word) for word in text.split()]


def test_no_answer_is_filled_with_blanks(sent: list[Sent]) -> None:
    assert not [(one.language, one.intent, one.county) for one in sent if re.search(r"[ \t]{2,}|[ \t]\n|\A\s|\s\Z", one.text)]


CONTACTS = tuple(Contact(id=str(n), kind="group", county="Wake", name=f"The {'long ' * n}name of a group", phone=f"919-555-01{n:02}") for n in range(3, 9))


@given(lead=st.integers(0, 160), short=st.integers(20, 160), contacts=st.integers(0, 3), language=st.sampled_from(LANGUAGES))
@example(lead=54, short=96, contacts=0, language="es")
@settings(deadline=None, max_examples=150)
def test_numbers_are_whole_in_every_part_and_nothing_of_the_answer_waits_for_more(words: Words, lead: int, short: int, contacts: int, language: Language) -> None:
    """A contact's line turns round, or the answer goes on in a second SMS: no blanks, no border in a number, no word lost."""
    reply = Reply(language=language, intent="x", lead=("Call. " * 30)[:lead].strip(), short=f"{('Ask. ' * 40)[:short].strip()} Call 336-555-0100 now.", contacts=CONTACTS[:contacts])
    fitted = fit(reply, Style.SMS, words)
    for text in fitted.texts:
        assert broken_reach(text) is None
        assert not re.search(r"[ \t]{2,}|[ \t]\n|\A\s|\s\Z", text)
    assert sum(segments(text)[1] for text in fitted.texts) <= 3
    told = " ".join([*fitted.texts, fitted.rest])
    assert sorted(word for word in told.split() if word[0].isdigit()) == sorted(["336-555-0100", *(c.phone for c in CONTACTS[:contacts])])
    assert not fitted.rest or len(told) > 400


def test_more_cuts_no_number_either(words: Words) -> None:
    first, _rest = fit_more("Vea la lista de la oficina. " * 5 + "Llame al 336-555-0100 o al 336-555-0101.", "es", Style.SMS, words)
    assert broken_reach(first) is None


def test_the_table_in_the_documents_is_what_the_answers_cost_today() -> None:
    fresh = CliRunner().invoke(app, ["segments", "--table"])
    assert fresh.exit_code == 0
    assert "| crisis-suicide | es | 2 | GSM-7 |" in fresh.output
    assert fresh.output in (ROOT / "docs" / "sms.md").read_text(encoding="utf-8"), "docs/sms.md is stale: put there what `./faro segments --table` prints"


def test_without_the_option_segments_counts_lines() -> None:
    counted = CliRunner().invoke(app, ["segments"], input='{"text": "¿Está bien?"}\n')
    assert counted.output == '{"encoding": "UCS-2", "segments": 1}\n'
