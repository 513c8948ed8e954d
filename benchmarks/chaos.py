"""Everything that can go wrong, at random, for some minutes: several Faros on one PostgreSQL behind a proxy, four channels, two languages.

    .venv/bin/python -m benchmarks.chaos --minutes 10

At the end every message was answered once (or is one of the repeats that Telegram makes unavoidable), none was lost, STOP and DELETE hold,
and no file holds a number, a message or a secret. Ends with 1 when anything of this is not so.
"""

import argparse
import asyncio
import itertools
import logging
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psycopg

from bot.messages import Channel
from bot.settings import ROOT
from bot.store.backup import find_program
from bot.store.patience import LEFT_ALONE
from bot.store.privacy import person_key
from tests.doors import PUBLIC_URL, SMS_PATH, TWILIO_TOKEN, serving, signed, twiml_texts
from tests.fake_telegram import TOKEN, FakeTelegram
from tests.postgres import Server, new_database, postgres_server
from tests.storm import SECRET, TELEGRAM_SECRET, Machine, Moody, caller, insist, machines, round_robin

COUNTIES = ("Wake", "Durham", "Orange", "Buncombe", "Watauga", "Ashe", "Yancey", "Haywood", "Henderson", "Madison")
# A word that no page has: where it turns up, somebody's message was written down.
MARK = "zanzebar"
ASKING = {"en": "shelter in {} county " + MARK, "es": "refugio en el condado de {} " + MARK}
PATIENCE = 180.0


@dataclass
class Asked:
    """A message that came in, and all that was answered to it."""

    channel: str
    county: str
    at: float
    chat: int = 0
    again: tuple[float, float] = (0, 0)
    answers: list[str] = field(default_factory=list)


@dataclass
class Storm:
    """One run: the world, what was sent, and what was done to it."""

    server: Server
    database: str
    faros: list[Machine]
    telegram: FakeTelegram
    vendor: Moody
    content: Path
    url: str
    chance: random.Random
    until: float
    asked: list[Asked] = field(default_factory=list)
    stopped: list[str] = field(default_factory=list)
    erased: list[str] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    deaths: list[float] = field(default_factory=list)
    outages: list[tuple[float, float]] = field(default_factory=list)
    numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))
    database_away: bool = False

    @property
    def over(self) -> bool:
        return time.monotonic() >= self.until

    async def text(self, sender: str, body: str, sid: str) -> list[str]:
        form = {"MessageSid": sid, "From": sender, "To": "+19195550100", "NumMedia": "0", "Body": body}
        async with caller() as client:
            return twiml_texts(await insist(client, f"{self.url}{SMS_PATH}", signed(form), patience=PATIENCE, data=form))

    async def on_phone(self, asked: Asked, words: str, n: int) -> None:
        """SMS and WhatsApp: brought once or, as Twilio repeats, several times."""
        sender = f"{'whatsapp:' if asked.channel == 'whatsapp' else ''}+1{9195550000 + n}"
        for _ in range(self.chance.choice((1, 1, 2, 3))):
            asked.answers.append("\n".join(await self.text(sender, words, f"SM{n}")))

    async def on_web(self, asked: Asked, words: str, n: int) -> None:
        async with caller() as client:
            for _ in range(self.chance.choice((1, 1, 2))):
                given = {"id": f"w{n}", "text": words}
                headers = {"x-forwarded-for": f"203.0.113.{n % 250}"}
                asked.answers.append((await insist(client, f"{self.url}/api/chat", headers, patience=PATIENCE, json=given)).json()["html"])

    async def on_telegram(self, asked: Asked, words: str, n: int) -> None:
        """Brought until it is taken, and, while the database is there to know it, sometimes again."""
        asked.chat = 5_550_000 + n
        person = {"id": asked.chat, "is_bot": False, "first_name": "Ana"}
        sent = {"update_id": n, "message": {"message_id": n, "date": int(time.time()), "chat": {"id": asked.chat, "type": "private"}, "from": person, "text": words}}
        async with caller() as client:
            for again in (False, True):
                if not again or (self.chance.random() < 0.3 and not self.database_away):
                    began = time.monotonic()
                    await insist(client, f"{self.url}/telegram", {"x-telegram-bot-api-secret-token": TELEGRAM_SECRET}, patience=PATIENCE, json=sent)
                    asked.again = (began, time.monotonic()) if again else asked.again


async def resident(storm: Storm) -> None:
    """One after the other, people write."""
    while not storm.over:
        n = next(storm.numbers)
        channel, language = storm.chance.choice(("sms", "whatsapp", "telegram", "web")), storm.chance.choice(("en", "es"))
        county = storm.chance.choice(COUNTIES)
        asked = Asked(channel=channel, county=county, at=time.monotonic())
        storm.asked.append(asked)
        say = {"sms": storm.on_phone, "whatsapp": storm.on_phone, "telegram": storm.on_telegram, "web": storm.on_web}[channel]
        await say(asked, ASKING[language].format(county), n)
        await asyncio.sleep(storm.chance.uniform(0, 0.4))


async def leaver(storm: Storm) -> None:
    """People who say STOP, and people who say DELETE, twice, once the database is there."""
    while not storm.over:
        n = next(storm.numbers)
        sender = f"+1{9195550000 + n}"
        await storm.text(sender, ASKING["en"].format("Wake"), f"SM{n}a")
        if storm.chance.random() < 0.5:
            await storm.text(sender, "STOP", f"SM{n}b")
            storm.stopped.append(sender)
        elif not storm.database_away:
            said = [await storm.text(sender, "DELETE", f"SM{n}{part}") for part in "cd"]
            if said[0] != said[1] and not storm.database_away:
                storm.erased.append(sender)
        await asyncio.sleep(storm.chance.uniform(0.5, 2))


async def supervisor(storm: Storm) -> None:
    """Kills a Faro now and then, and starts it again as systemd would."""
    while not storm.over:
        await asyncio.sleep(storm.chance.uniform(2, 12))
        faro = storm.chance.choice(storm.faros)
        faro.kill()
        storm.deaths.append(time.monotonic())
        storm.faults["Faro killed (SIGKILL) and started again"] += 1
        await asyncio.sleep(storm.chance.uniform(0, 2))
        faro.start()
        await faro.ready("/health")


async def saboteur(storm: Storm) -> None:
    """One fault after the other, for some seconds each."""
    faults = (database_away, disk_full, content_broken, *(vendor(mood) for mood in ("429", "slow", "cut", "lost")))
    while not storm.over:
        await storm.chance.choice(faults)(storm)
        await asyncio.sleep(storm.chance.uniform(0, 3))


async def database_away(storm: Storm) -> None:
    storm.database_away = True
    began = time.monotonic()
    await asyncio.to_thread(storm.server.stop)
    storm.faults["PostgreSQL stopped and started again"] += 1
    await asyncio.sleep(storm.chance.uniform(1, 15))
    await asyncio.to_thread(storm.server.start)
    await asyncio.sleep(4)
    storm.outages.append((began, time.monotonic()))
    storm.database_away = False


async def disk_full(storm: Storm) -> None:
    """While the database is there: without both nothing can be kept, and nothing is promised."""
    faro = storm.chance.choice(storm.faros)
    try:
        faro.fill_disk(full=True)
        storm.faults["disk of a Faro full"] += 1
        await asyncio.sleep(storm.chance.uniform(1, 5))
        faro.fill_disk(full=False)
    except (AssertionError, ProcessLookupError):
        return  # it has just been killed; the next one has room again


async def content_broken(storm: Storm) -> None:
    page = storm.chance.choice(sorted((storm.content / "en").rglob("*.md")))
    was = page.read_text(encoding="utf-8")
    page.write_text("---\nid: [broken\n", encoding="utf-8")
    storm.faults["page broken and mended"] += 1
    await asyncio.sleep(storm.chance.uniform(1, 5))
    page.write_text(was, encoding="utf-8")


def vendor(mood: str) -> Callable[[Storm], Awaitable[None]]:
    told = {"429": "Telegram: 429 to all", "slow": "Telegram slow", "cut": "Telegram: lines cut before it has a message", "lost": "Telegram: lines cut after it has a message"}[mood]

    async def fault(storm: Storm) -> None:
        storm.vendor.mood = mood
        storm.faults[told] += 1
        await asyncio.sleep(storm.chance.uniform(1, 6))
        storm.vendor.mood = ""

    return fault


async def quiet(storm: Storm) -> None:
    """Waits until all have answered and written everything."""
    async with asyncio.timeout(300), httpx.AsyncClient(timeout=30) as client:
        for faro in storm.faros:
            await faro.ready()
        while True:
            figures = [set((await client.get(f"{faro.url}/metrics")).text.splitlines()) for faro in storm.faros]
            if all({"faro_spool_waiting 0.0", "faro_inbox_waiting 0.0"} <= one for one in figures):
                return
            await asyncio.sleep(0.5)


def verdict(storm: Storm) -> tuple[list[tuple[str, object]], list[str]]:
    """The table, and what is wrong."""
    times: dict[str, list[float]] = defaultdict(list)
    told: list[str] = []
    for call, at in storm.telegram.sent_at:
        times[call].append(at)
    lost = differing = unavoidable = unheard = unexplained = 0
    for one in storm.asked:
        if one.channel == "telegram":
            one.answers = storm.telegram.texts(one.chat)
            if len(one.answers) > 1:
                # A slow Telegram may take a message after the Faro that sent it has died: so from the question on.
                excused = str(one.chat) in storm.vendor.lost or any(one.at <= death <= times[str(one.chat)][-1] for death in storm.deaths)
                if not excused:
                    told.append(f"chat {one.chat}: asked {one.at:.1f}, again {one.again}, sent {times[str(one.chat)]}, deaths {storm.deaths}, outages {storm.outages}")
                # What was answered without a database is in it a moment after it is back.
                elsewhere = any(start <= one.again[1] and one.again[0] <= end + 2 * LEFT_ALONE for start, end in storm.outages)
                unavoidable, unheard, unexplained = unavoidable + excused, unheard + (elsewhere and not excused), unexplained + (not excused and not elsewhere)
        lost += not one.answers or one.county not in one.answers[0]
        differing += len(set(one.answers)) > 1
    wrong = [f"{count} {what}" for count, what in ((lost, "lost"), (differing, "with different answers"), (unexplained, "answered twice without a reason")) if count]
    wrong += told if unexplained else []
    by_channel = Counter(one.channel for one in storm.asked)
    rows: list[tuple[str, object]] = [(f"messages on {channel}", count) for channel, count in sorted(by_channel.items())]
    rows += [*sorted(storm.faults.items()), ("Faro ended by itself, and started again", sum(faro.ended for faro in storm.faros))]
    rows += [
        ("lost", lost),
        ("different answers to one message", differing),
        ("answered twice, unavoidably (Telegram; killed or cut after sending)", unavoidable),
        ("answered twice, since it came again to another Faro while there was no database", unheard),
        ("answered twice without a reason", unexplained),
    ]
    return rows, wrong


async def held(storm: Storm) -> tuple[list[tuple[str, object]], list[str]]:
    """STOP is remembered, DELETE left nothing, and nothing was written twice."""
    keys = {sender: person_key(SECRET.encode(), Channel.SMS, sender) for sender in (*storm.stopped, *storm.erased)}
    with psycopg.connect(storm.database) as connection:
        forgot = sum(connection.execute("select opted_out from person where key = %s", [keys[sender]]).fetchone() != (True,) for sender in storm.stopped)
        tables = [row[0] for row in connection.execute("select table_name from information_schema.columns where column_name = 'key' and table_schema = 'public'")]
        left = sum(bool(connection.execute(f"select 1 from {table} where key = %s".encode(), [keys[sender]]).fetchone()) for table in tables for sender in storm.erased)
        owed = (connection.execute("select count(*) from inbox").fetchone() or (0,))[0]
    wrong = [f"{count} {what}" for count, what in ((forgot, "STOPs forgotten"), (left, "rows left after DELETE"), (owed, "messages still owed")) if count]
    return [("STOP, remembered", f"{len(storm.stopped) - forgot} of {len(storm.stopped)}"), ("DELETE, nothing left", f"{len(storm.erased)} persons, {left} rows")], wrong


def readable(storm: Storm, folder: Path) -> tuple[list[tuple[str, object]], list[str]]:
    """Looks for numbers, messages and secrets in every file, in a dump and in a backup of the database, and in the metrics."""
    dump = subprocess.run([find_program("pg_dump"), storm.database], capture_output=True, check=True).stdout
    (folder / "dump.sql").write_bytes(dump)
    shutil.copy(storm.server.folder / "log", folder / "postgresql.log")
    environment = {"PATH": os.environ["PATH"], "FARO_DATABASE_URL": storm.database, "FARO_SECRET": SECRET, "FARO_DATA": str(folder / "data0"), "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-m", "bot", "backup", str(folder / "backup")], env=environment, check=True, capture_output=True, cwd=ROOT)
    for n, faro in enumerate(storm.faros):
        (folder / f"metrics{n}").write_bytes(httpx.get(f"{faro.url}/metrics").content)
    needles = re.compile(rb"\+?1?919555\d{4}|" + MARK.encode() + rb"|(?<!\d)555\d{4}(?!\d)|" + b"|".join(re.escape(s.encode()) for s in (SECRET, TELEGRAM_SECRET, TWILIO_TOKEN, TOKEN)))
    files = [path for path in folder.rglob("*") if path.is_file() and "cache" not in path.parts and storm.content not in path.parents]
    found = {str(path.relative_to(folder)): Counter(needles.findall(path.read_bytes())).most_common(2) for path in files}
    bad = {path: hits for path, hits in found.items() if hits}
    return [("files looked through", f"{len(files)} ({sum(path.stat().st_size for path in files):,} bytes)"), ("with a number, a message or a secret", len(bad))], [
        f"{path}: {hits}" for path, hits in bad.items()
    ]


async def run(minutes: float, replicas: int, seed: int, folder: Path, cache: Path) -> int:
    telegram = FakeTelegram()
    moody = Moody(telegram.app, slow=min(30.0, 30 * minutes))
    shutil.copytree(ROOT / "content", folder / "content")
    shutil.copytree(cache, folder / "cache")
    learning = await asyncio.create_subprocess_exec(sys.executable, "-m", "bot", "learn", "--content", folder / "content", "--cache", folder / "cache", cwd=ROOT)
    await learning.wait()
    with postgres_server() as server, serving(moody) as api:
        settings = {"FARO_TWILIO_AUTH_TOKEN": TWILIO_TOKEN, "FARO_TELEGRAM_TOKEN": TOKEN, "FARO_TELEGRAM_API_URL": api, "FARO_TELEGRAM_SECRET": TELEGRAM_SECRET, "FARO_PUBLIC_URL": PUBLIC_URL}
        database = new_database(server.url)
        with machines(folder, folder / "cache", replicas, database, FARO_CONTENT=str(folder / "content"), FARO_TRUSTED_PROXIES="127.0.0.1", **settings) as faros:
            for faro in faros:
                await faro.ready()
            async with round_robin(faros) as url:
                chance, until = random.Random(seed), time.monotonic() + 60 * minutes
                storm = Storm(server=server, database=database, faros=faros, telegram=telegram, vendor=moody, content=folder / "content", url=url, chance=chance, until=until)
                try:
                    await asyncio.gather(*(resident(storm) for _ in range(8)), leaver(storm), supervisor(storm), saboteur(storm))
                    await quiet(storm)
                except BaseException:
                    print("\n".join(f"{faro.url}: {faro.log.read_text()[-3000:]}" for faro in faros))
                    raise
                parts = [verdict(storm), await held(storm), readable(storm, folder)]
    print(f"{minutes:g} minutes, {replicas} Faros, one PostgreSQL, seed {seed}\n\n| what | how many |\n| --- | --- |")
    print("\n".join(f"| {what} | {count} |" for rows, _ in parts for what, count in rows))
    wrong = [line for _, lines in parts for line in lines]
    print("\n" + ("\n".join(wrong) if wrong else "Nothing is wrong."))
    return bool(wrong)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--replicas", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cache", type=Path, default=ROOT / ".pytest_cache" / "model", help="what was learnt from the content")
    given = parser.parse_args()
    logging.disable(logging.CRITICAL)  # the fake vendor, of the lines that it cuts
    with tempfile.TemporaryDirectory(prefix="faro-chaos-") as folder:
        return asyncio.run(run(given.minutes, given.replicas, given.seed, Path(folder), given.cache))


if __name__ == "__main__":
    sys.exit(main())
