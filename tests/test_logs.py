"""The log: for people and for programs, and nobody's number in either."""

import json
import logging
import os
import shutil
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest

from bot.logs import Form, formatter, masked
from bot.settings import ROOT
from tests.small_content import write_content

TOKEN = "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw"
CONFIGURED = """
import logging
from bot.logs import configure
configure("INFO", "{form}")
log = logging.getLogger("bot.somewhere")
log.info("%d pages were read", 61)
logging.getLogger("httpx").info("POST https://api.telegram.org/bot{token}/getMe")
logging.getLogger("telegram.ext").warning("a warning of another library")
try:
    raise ValueError("+1 (919) 555-0143")
except ValueError:
    log.exception("it failed")
from prometheus_client import generate_latest
print(generate_latest().decode())
"""


def lines(form: Form, *said: object) -> str:
    """What one event becomes."""
    written = StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(formatter(form))
    handler.handle(logging.LogRecord("bot.x", logging.WARNING, __file__, 1, said[0], said[1:], None))
    return written.getvalue()


def run(form: Form) -> subprocess.CompletedProcess[str]:
    """The log as a process writes it."""
    return subprocess.run([sys.executable, "-c", CONFIGURED.format(form=form, token=TOKEN)], cwd=ROOT, capture_output=True, text=True, check=True)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("call 919-555-0143 now", "call [number] now"),
        ("+1 (919) 555-0143", "[number]"),
        ("From=+19195550143", "From=[number]"),
        ("919.555.0143", "[number]"),
        ("919\N{NO-BREAK SPACE}555\N{NON-BREAKING HYPHEN}0143", "[number]"),
        ("555-0143", "[number]"),
        ("chat 7123456789", "chat [number]"),
        (f"https://api.telegram.org/bot{TOKEN}/getMe", "https://api.telegram.org/bot[token]/getMe"),
        ("ana.perez+x@example.org wrote", "[email] wrote"),
        ("<ana@example.org>", "<[email]>"),
    ],
)
def test_what_points_at_a_person_is_blotted_out(text: str, left: str) -> None:
    assert masked(text) == left


@pytest.mark.parametrize("text", ["content/es/page.md:12: 61 pages, 988 and 911", "ZIP 28607", "trying again in 60 s", "bot.store.spool: the database did not answer: TimeoutError"])
def test_what_an_operator_needs_stays(text: str) -> None:
    assert masked(text) == text


@pytest.mark.parametrize("form", ["text", "json"])
def test_values_put_into_an_event_are_masked_too(form: Form) -> None:
    said = lines(form, "%s wrote to %s", "+1 919 555 0143", "ana@example.org")
    assert "[number] wrote to [email]" in said
    assert "555 0143" not in said
    assert "0143" not in said


def test_json_is_one_object_a_line() -> None:
    event = json.loads(lines("json", "se leyeron %d páginas\ny otra línea", 61))
    assert (event["event"], event["level"], event["logger"]) == ("se leyeron 61 páginas\ny otra línea", "warning", "bot.x")
    assert event["timestamp"].endswith("Z")


def test_text_is_a_line_for_people() -> None:
    said = lines("text", "61 pages were read")
    assert "61 pages were read" in said
    assert "bot.x" in said
    assert not said.startswith("{")


def test_a_process_logs_json_with_its_exceptions_and_without_the_chatter_of_libraries() -> None:
    events = [json.loads(line) for line in run("json").stderr.splitlines()]
    assert [e["event"] for e in events] == ["61 pages were read", "a warning of another library", "it failed"]
    assert "ValueError: [number]" in events[2]["exception"]
    assert TOKEN not in str(events)


def test_a_process_logs_text_and_counts_its_errors() -> None:
    done = run("text")
    assert "ValueError: [number]" in done.stderr
    assert "555-0143" not in done.stderr
    assert TOKEN not in done.stderr
    assert 'faro_errors_total{logger="bot.somewhere"} 1.0' in done.stdout


def test_at_its_most_talkative_it_says_nothing_that_residents_wrote(learnt: Path, tmp_path: Path) -> None:
    """The database's driver would tell every statement with its values."""
    write_content(tmp_path / "content")
    shutil.copytree(learnt, tmp_path / "cache")
    env = {
        **{k: v for k, v in os.environ.items() if not k.startswith("FARO_")},
        "FARO_DATA": str(tmp_path),
        "FARO_CONTENT": str(tmp_path / "content"),
        "FARO_LOG_LEVEL": "DEBUG",
        "OPENBLAS_NUM_THREADS": "1",
    }
    said = "my zebrafinch Quillon sings algebra in Burnsville"
    ran = subprocess.run([sys.executable, "-m", "bot", "chat"], cwd=ROOT, env=env, input=said, capture_output=True, text=True, timeout=120, check=True)
    assert ran.stdout.strip()
    assert [word for word in (*said.split()[1:], "Yancey", "INSERT", "SELECT") if word.lower() in ran.stderr.lower() and word != "in"] == []


def test_ours_may_say_more_and_libraries_may_not() -> None:
    """SQLAlchemy tells statements and their values from INFO on."""
    names = ("bot.x", "handlers.y", "aiosqlite", "asyncio", "a.library")
    program = f'import logging; from bot.logs import configure; configure("DEBUG", "text"); [logging.getLogger(n).debug("said by %s", n) for n in {names}]; logging.getLogger("sqlalchemy.engine").info("said by sqlalchemy")'
    said = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True).stderr
    assert [name for name in (*names, "sqlalchemy") if f"said by {name}" in said] == ["bot.x", "handlers.y"]
