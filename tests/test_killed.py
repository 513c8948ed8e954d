"""Killed at random moments, a real Faro process loses no message and answers none twice but what the vendor makes unavoidable."""

import asyncio
import os
import random
import signal
from collections import Counter
from pathlib import Path

import httpx
import pytest

from bot.conversation import Mind
from tests.doors import TWILIO_TOKEN, serving, signed, twiml_texts
from tests.fake_telegram import TOKEN, FakeTelegram
from tests.postgres import new_database
from tests.storm import TELEGRAM_SECRET, Machine, insist, machine
from tests.test_telegram_door import update

# In CI a few; `FARO_STORM=1 ./faro test tests/test_killed.py` for the whole storm.
STORM = bool(os.environ.get("FARO_STORM"))
MESSAGES, KILLS = (200, 10) if STORM else (30, 2)
COUNTIES = ("Wake", "Durham", "Orange", "Buncombe", "Watauga", "Ashe", "Yancey", "Haywood", "Henderson", "Madison")


def database(request: pytest.FixtureRequest, kind: str) -> str | None:
    return new_database(request.getfixturevalue("postgres")) if kind == "postgresql" else None


async def storm(faro: Machine) -> None:
    """Kills and starts again, at moments that nobody chose."""
    chance = random.Random(7)
    for _ in range(KILLS):
        await asyncio.sleep(chance.uniform(0.3, 1.5))
        faro.kill()
        faro.start()
        await faro.ready()


PAIRS = [("polling", "sqlite"), *([("webhook", "postgresql"), ("polling", "postgresql"), ("webhook", "sqlite")] if STORM else [])]


@pytest.mark.parametrize(("mode", "kind"), PAIRS)
async def test_telegram_loses_nothing(request: pytest.FixtureRequest, mind: Mind, model_cache: Path, tmp_path: Path, mode: str, kind: str) -> None:
    telegram = FakeTelegram()
    with serving(telegram.app) as api:
        public = {"FARO_PUBLIC_URL": "https://faro.example.org", "FARO_TELEGRAM_SECRET": TELEGRAM_SECRET} if mode == "webhook" else {}
        with machine(tmp_path, model_cache, database(request, kind), FARO_TELEGRAM_TOKEN=TOKEN, FARO_TELEGRAM_API_URL=api, FARO_TELEGRAM_MODE=mode, **public) as faro:
            await faro.ready()
            sent = [update(chat=100 + n, text=f"shelter in {COUNTIES[n % len(COUNTIES)]} county") for n in range(MESSAGES)]
            storming = asyncio.create_task(storm(faro))
            async with httpx.AsyncClient() as client:
                for one in sent:
                    if mode == "polling":
                        telegram.push(one)
                        await asyncio.sleep(0.02)
                    else:
                        await insist(client, f"{faro.url}/telegram", {"x-telegram-bot-api-secret-token": TELEGRAM_SECRET}, json=one)
            await storming
            async with asyncio.timeout(90):
                while not all(telegram.texts(100 + n) for n in range(MESSAGES)):  # noqa: ASYNC110  another process answers
                    await asyncio.sleep(0.2)
            answers = [telegram.texts(100 + n) for n in range(MESSAGES)]
            assert all(COUNTIES[n % len(COUNTIES)] in texts[0] for n, texts in enumerate(answers))
            # An answer that was sent, but whose row was not dropped before the kill, is sent again: Telegram has no key against it.
            twice = sum(len(texts) - 1 for texts in answers)
            assert twice <= 3 * KILLS, f"{twice} of {MESSAGES} answered twice after {KILLS} kills"
            begun = asyncio.get_running_loop().time()
            assert faro.kill(signal.SIGTERM) in (0, -signal.SIGTERM)
            assert asyncio.get_running_loop().time() - begun < 10


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"] if STORM else ["sqlite"])
async def test_sms_loses_nothing_and_answers_each_message_once(request: pytest.FixtureRequest, mind: Mind, model_cache: Path, tmp_path: Path, kind: str) -> None:
    with machine(tmp_path, model_cache, database(request, kind), FARO_TWILIO_AUTH_TOKEN=TWILIO_TOKEN, FARO_PUBLIC_URL="https://faro.example.org") as faro:
        await faro.ready()
        answers: dict[int, set[str]] = {}

        async def text(client: httpx.AsyncClient, n: int) -> None:
            county = COUNTIES[n % len(COUNTIES)]
            form = {"MessageSid": f"SM{n}", "From": f"+1919555{n:04d}", "To": "+18285550100", "NumMedia": "0", "Body": f"shelter in {county} county"}
            for _ in range(2):  # a redelivery gets the same answer
                (said,) = twiml_texts(await insist(client, f"{faro.url}/twilio/messages", signed(form), data=form))
                answers.setdefault(n, set()).add(said)
                assert county in said

        storming = asyncio.create_task(storm(faro))
        async with httpx.AsyncClient() as client:
            for first in range(0, MESSAGES, 8):
                await asyncio.gather(*(text(client, n) for n in range(first, min(first + 8, MESSAGES))))
        await storming
        assert Counter(len(said) for said in answers.values()) == {1: MESSAGES}
