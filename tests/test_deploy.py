"""What stands in deploy/ speaks of things that exist: metrics, settings, commands, chapters of the runbook."""

import json
import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import generate_latest

from bot import app as composition
from bot import logs, outgoing
from bot.app import Faro
from bot.channels import sms, telegram
from bot.cli import app as commands
from bot.messages import Channel, Inbound
from bot.settings import ROOT, Settings
from bot.store.inbox import Inbox
from bot.store.sealing import Seal
from tests.conftest import Clock
from tests.doors import open_house

DEPLOY, DOCS = ROOT / "deploy", ROOT / "docs"
# Every file that counts something is loaded.
COUNTING = (composition, logs, outgoing, sms, telegram)
NOT_OURS = {"FARO_DOMAIN"}  # Compose's own
RULES: list[dict[str, Any]] = [rule for group in yaml.safe_load((DEPLOY / "prometheus-alerts.yaml").read_text())["groups"] for rule in group["rules"]]
PANELS: list[dict[str, Any]] = json.loads((DEPLOY / "grafana-dashboard.json").read_text())["panels"]
EXPRESSIONS = [rule["expr"] for rule in RULES] + [target["expr"] for panel in PANELS for target in panel["targets"]]


def told() -> set[str]:
    """The names and labels that /metrics has, as `name` and `name{label`."""
    found: set[str] = set()
    for line in generate_latest().decode().splitlines():
        if match := re.match(r"# TYPE (faro_\w+) (\w+)", line):
            name, kind = match.groups()
            found |= {f"{name}_bucket", f"{name}_count", f"{name}_sum"} if kind == "histogram" else {name}
    return found


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_every_metric_that_is_looked_at_exists(expression: str) -> None:
    assert set(re.findall(r"\bfaro_\w+", expression)) <= told()


def test_every_setting_of_the_examples_exists() -> None:
    known = {f"FARO_{name.upper()}" for name in Settings.model_fields} | NOT_OURS
    for path in (*DEPLOY.iterdir(), DOCS / "deploy.md", DOCS / "runbook.md"):
        assert not set(re.findall(r"\bFARO_[A-Z_]+\b", path.read_text(encoding="utf-8"))) - known, path.name


def test_every_alert_leads_to_a_chapter_of_the_runbook() -> None:
    chapters = {re.sub(r"[^a-z0-9 -]", "", line[3:].lower()).replace(" ", "-") for line in (DOCS / "runbook.md").read_text(encoding="utf-8").splitlines() if line.startswith("## ")}
    for rule in RULES:
        path, _, chapter = rule["annotations"]["runbook"].partition("#")
        assert (ROOT / path).exists()
        assert chapter in chapters, rule["alert"]


@pytest.mark.parametrize("path", [ROOT / "SECURITY.md", DOCS / "runbook.md", DOCS / "deploy.md"], ids=lambda path: path.name)
def test_every_command_that_the_papers_name_exists(path: Path) -> None:
    known = {
        command.name or (command.callback.__name__ if command.callback else "")
        for group in (commands, *(g.typer_instance for g in commands.registered_groups))
        if group
        for command in group.registered_commands
    }
    named = set(re.findall(r"\./faro ([a-z][a-z-]*)", path.read_text(encoding="utf-8")))
    assert named - {"new"} <= known


async def test_answers_are_counted_by_channel_and_what_became_of_them_and_by_nothing_else(faro: Faro) -> None:
    async with open_house(faro) as house:
        before = (await house.client.get("/metrics")).text
        for number, said in enumerate(("MENU", "I want to kill myself")):
            await faro.conversation.answer(Inbound(channel=Channel.SMS, sender="+19195550100", message_id=str(number), text=said))
        after = (await house.client.get("/metrics")).text
    for decision in ("order", "crisis"):
        line = f'faro_answers_total{{channel="sms",decision="{decision}"}} '
        assert _value(after, line) == _value(before, line) + 1
    assert _value(after, "faro_answer_seconds_count ") == _value(before, "faro_answer_seconds_count ") + 2
    assert "5550100" not in after


async def test_what_waits_is_told(faro: Faro, clock: Clock) -> None:
    moment = clock.moment
    await Inbox(faro.store, Seal(b"x"), "telegram", clock).put("1", "{}")
    clock.moment = moment.replace(minute=moment.minute + 2)
    async with open_house(faro) as house:
        told_now = (await house.client.get("/metrics")).text
    assert [_value(told_now, f"{name} ") for name in ("faro_database_up", "faro_inbox_waiting", "faro_inbox_oldest_seconds", "faro_spool_waiting")] == [1, 1, 120, 0]


async def test_a_database_that_fails_does_not_keep_the_rest_from_being_told(faro: Faro, tmp_path: Path) -> None:
    async with open_house(faro) as house:
        with closing(sqlite3.connect(tmp_path / "faro.sqlite3")) as database:
            database.execute("drop table inbox")
        answer = await house.client.get("/metrics")
    assert answer.status_code == 200
    assert _value(answer.text, "faro_database_up ") == 0
    assert "faro_spool_waiting" in answer.text


def _value(metrics: str, line: str) -> float:
    return next((float(one.removeprefix(line)) for one in metrics.splitlines() if one.startswith(line)), 0.0)
