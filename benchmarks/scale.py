"""What grows when Faro grows: a hundred times the content, a million contacts, five million persons, a million subscriptions; each beside a floor of the same run.

    python benchmarks/scale.py content --cache DIR     a message with 1, 10 and 100 times the pages and questions; DIR has the model, learnt before
    python benchmarks/scale.py contacts                the directory with a million rows
    python benchmarks/scale.py persons                 five million persons in a PostgreSQL of its own
    python benchmarks/scale.py alerts                  a million subscriptions in a hundred counties, likewise

The hundredfold content is read from disk, and its lookups (phrases, language, spelling) are built from it, all as in a start. Its models are the real content's
with each label there so many times: to learn from four million questions takes hours, and what a message costs goes by the models' size, not by what is in them.
`wall` is what a message waits on these cores, whatever else they do; CPU is this process's own.
"""

import argparse
import asyncio
import os
import random
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from pydantic import SecretStr
from sqlalchemy import text

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bot.app import compose  # noqa: E402
from bot.content import Content  # noqa: E402
from bot.directory.directory import Directory  # noqa: E402
from bot.directory.rows import KINDS, Row  # noqa: E402
from bot.geo.tables import load_gazetteer  # noqa: E402
from bot.library.pages import CRISIS, Library  # noqa: E402
from bot.library.reading import collect_library  # noqa: E402
from bot.messages import Channel, Inbound  # noqa: E402
from bot.settings import Settings  # noqa: E402
from bot.store.outbox import Outbox  # noqa: E402
from bot.store.sealing import Seal  # noqa: E402
from bot.store.store import Store, open_store  # noqa: E402
from bot.store.subscriptions import Subscriptions  # noqa: E402
from bot.store.tables_live import Notice, NoticeState  # noqa: E402
from bot.understanding.encoder import Encoder  # noqa: E402
from bot.understanding.model import Linear, Model, Network, load_models, save_models  # noqa: E402
from bot.understanding.understander import learning_hash, model_path  # noqa: E402
from bot.wording.catalog import Words  # noqa: E402
from tests.postgres import Server, new_database, postgres_server  # noqa: E402

CONTENT = ROOT / "content"
NOW = datetime(2026, 12, 10, 17, tzinfo=UTC)
ROWS, PERSONS, HANDLED, SUBSCRIPTIONS, COUNTIES = 1_000_000, 5_000_000, 1_000_000, 1_000_000, 100
# Words that the real content does not have: with them the vocabulary grows, too.
SYLLABLES = "ba ce di fo gu la me ni po ru sa te vi zo cha tre lla sto mar gen".split()


@dataclass(frozen=True, kw_only=True)
class Times:
    """Of many calls: wall and this process's CPU, in milliseconds."""

    wall: Sequence[float]
    cpu: Sequence[float]
    server: float | None = None  # the database's CPU, the mean

    def __str__(self) -> str:
        worst = sorted(self.wall)[int(0.99 * len(self.wall))]
        served = "" if self.server is None else f", database's mean {self.server:7.3f} ms"
        return f"wall median {statistics.median(self.wall):8.3f} ms, 99 % {worst:8.3f} ms; CPU median {statistics.median(self.cpu):7.3f} ms{served}"


async def timed(works: Sequence[Callable[[], Awaitable[object]]], server: Callable[[], float] | None = None) -> Times:
    wall, cpu, before = [], [], server() if server else 0.0
    for work in works:
        begun, used = time.perf_counter(), time.process_time()
        await work()
        wall.append((time.perf_counter() - begun) * 1000)
        cpu.append((time.process_time() - used) * 1000)
    return Times(wall=wall, cpu=cpu, server=(server() - before) / len(works) * 1000 if server else None)


def megabytes() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def say(what: str, told: object) -> None:
    print(f"{what:<58} {told}", flush=True)


# Content


def grown(target: Path, times: int) -> None:
    """A content folder with so many times the pages, their contacts and their questions; the copies say a word of their own here and there."""
    shutil.copytree(CONTENT, target)
    chance = random.Random(7)
    files = [f for f in CONTENT.rglob("*") if f.suffix == ".md" or f.name.endswith((".questions.txt", ".lookalikes.txt"))]
    contents = [(file, file.relative_to(CONTENT), file.read_text(encoding="utf-8")) for file in files]
    for copy in range(1, times):
        for file, relative, text_ in contents:
            name, ending = file.name.split(".", 1)
            single = name in (*CRISIS, "none")  # what there is one of, however much there is of the rest
            if single and ending == "md":
                continue
            language, *folders = relative.parent.parts
            path = target / language / f"copy{copy}" / Path(*folders) / f"{name if single else f'{name}-{copy}'}.{ending}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text_.replace(f"id: {name}", f"id: {name}-{copy}", 1) if ending == "md" else _said_otherwise(text_, chance), encoding="utf-8")


def _said_otherwise(lines: str, chance: random.Random) -> str:
    """Each question with one of its words replaced."""
    told = []
    for line in lines.splitlines():
        words = line.split()
        if words and not line.startswith("#"):
            words[chance.randrange(len(words))] = "".join(chance.choices(SYLLABLES, k=3))
        told.append(" ".join(words))
    return "\n".join(told)


def write_model(library: Library, real: Path, cache: Path, times: int) -> None:
    """Where Faro looks for what it learnt from this library: the real content's models, each label of the topics there so many times."""
    loaded = load_models(real)
    assert loaded
    ngrams, models, refuse_from = loaded
    topics = models["topics"]
    labels = [label if copy == 0 else f"{label}-{copy}" for copy in range(times) for label in topics.labels]
    apart = (np.arange(len(labels)) // len(topics.labels) * 0.1).astype(np.float32)  # or all copies would be equally likely, and none be answered
    networks = [Network(n.weights, n.bias, np.tile(n.out_weights, times), np.tile(n.out_bias, times) - apart) for n in topics.meaning]
    models["topics"] = Model(labels, Linear(np.tile(topics.letters.weights, times), np.tile(topics.letters.bias, times) - apart), networks)
    save_models(model_path(learning_hash(library), cache), ngrams, models, refuse_from)


def content(times: int, cache: Path) -> None:
    folder = Path(tempfile.mkdtemp())
    try:
        real = model_path(learning_hash(collect_library(CONTENT)[0].finished), cache)
        if times > 1:
            grown(folder / "content", times)
        # In a process of its own, so that what it takes is not counted as Faro's.
        subprocess.run([sys.executable, __file__, "model", "--folder", str(folder), "--times", str(times), "--cache", str(real)], check=True)
        asyncio.run(_answers(folder, times))
    finally:
        shutil.rmtree(folder)


async def _answers(folder: Path, times: int) -> None:
    words, gazetteer = Words(ROOT / "locale"), load_gazetteer()
    begun, used = time.perf_counter(), time.process_time()
    content = Content(folder / "content" if times > 1 else CONTENT, folder / "cache", words, gazetteer, lambda: NOW)
    live, took, worked, memory = content.live, time.perf_counter() - begun, time.process_time() - used, megabytes()
    settings = Settings(_env_file=None, data=folder, secret=SecretStr("s" * 40))
    store = await open_store(settings.database())
    faro = compose(settings, words=words, gazetteer=gazetteer, live=lambda: live, store=store, clock=lambda: NOW)
    library, _ = collect_library(CONTENT)
    asked = [f"{q.text} please {n}" for n, q in enumerate(random.Random(3).sample(library.questions, 400))]
    encoder = Encoder()
    inbound = [Inbound(channel=Channel.SMS, sender=f"+1919555{n:04d}", message_id=f"m{n}", text=one) for n, one in enumerate(asked)]
    await timed([lambda one=one: faro.conversation.answer(one) for one in inbound[:50]])

    async def alone(one: str) -> None:
        encoder.encode([one])

    async def understood(one: str) -> None:
        live.mind.understander.understand(one)

    say(f"content x{times}: pages, questions", f"{len(live.mind.kit(NOW).library.pages)}, {len(live.mind.kit(NOW).library.questions)}")
    say("  start-up: wall, CPU; memory then, at most", f"{took:.1f} s, {worked:.1f} s; {memory:.0f} MB, {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")
    say("  floor: the encoder alone", await timed([lambda one=one: alone(one) for one in asked[50:]]))
    say("  a message understood", await timed([lambda one=one: understood(f"{one} x") for one in asked[50:]]))
    say("  a message answered and remembered (SQLite)", await timed([lambda one=one: faro.conversation.answer(one) for one in inbound[50:]]))
    await store.close()


# Contacts


async def contacts() -> None:
    gazetteer = load_gazetteer()
    names, kinds = sorted(gazetteer.counties), [kind for kind in KINDS.values() if kind != "shelter"]
    before, begun = megabytes(), time.perf_counter()
    rows = [_row(n, names[n % len(names)], kinds[n // len(names) % len(kinds)]) for n in range(ROWS)]
    read, between = time.perf_counter() - begun, megabytes()
    begun = time.perf_counter()
    directory = Directory(rows, gazetteer.counties)
    say(f"{ROWS:,} contacts: rows made; directory built", f"{read:.1f} s, {between - before:.0f} MB; {time.perf_counter() - begun:.1f} s, {megabytes() - between:.0f} MB")
    pairs = [(kind, county) for kind in kinds for county in names]
    random.Random(1).shuffle(pairs)
    table = dict.fromkeys(pairs, rows[:1])

    async def floor(pair: tuple[str, str]) -> None:
        table[pair]

    async def told(kind: str, county: str) -> None:
        directory.of_county(kind, county, "es", NOW)

    say("  floor: a lookup in a dict", await timed([lambda pair=pair: floor(pair) for pair in pairs]))
    say(f"  a county's {ROWS // len(pairs):,} contacts, asked for the first time", await timed([lambda pair=pair: told(*pair) for pair in pairs]))
    say("  asked for again", await timed([lambda pair=pair: told(*pair) for pair in pairs]))


def _row(n: int, county: str, kind: str) -> Row:
    values = {"id": f"c{n}", "county": county, "name": f"Example office {n}", "name_es": f"Oficina de ejemplo {n}", "phone": f"919-555-01{n % 100:02d}" if n % 3 else "", "confidence": "high"}
    return Row(kind=kind, county=county, values={**values, "website": "https://example.org", "hours": "Mon-Fri 9-5", "checked": "2026-11-22"}, path=Path("x.csv"), line=n + 2)


# The database


@contextmanager
def database() -> Iterator[tuple[str, Callable[[], float]]]:
    """A new database, and what processor time its server's processes have used so far, in seconds."""
    with postgres_server() as server:
        yield new_database(server.url), lambda: _cpu_of(server)


def _cpu_of(server: Server) -> float:
    master, used = (server.folder / "data" / "postmaster.pid").read_text().split()[0], 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            fields = stat.read_text().rsplit(")", 1)[1].split()
            used += (int(fields[11]) + int(fields[12])) * (fields[1] == master)
    return used / os.sysconf("SC_CLK_TCK")


async def made(store: Store, table: str, select: str) -> None:
    """A table filled inside the database: without its indexes, which are built at the end, and without a log, to be gentle to the disk."""
    begun = time.perf_counter()
    async with store.begin() as connection:
        indexes = (await connection.execute(text("select indexdef from pg_indexes where tablename = :name"), {"name": table})).scalars().all()
        constraints = (
            await connection.execute(text("select conname, pg_get_constraintdef(oid) from pg_constraint where conrelid = cast(:name as regclass) and contype in ('p', 'u')"), {"name": table})
        ).all()
        await connection.execute(text(f"alter table {table} set unlogged"))
        for name, _ in constraints:
            await connection.execute(text(f'alter table {table} drop constraint "{name}"'))
        kept = [index for index in indexes if not any(f" {name} " in index.replace('"', "") for name, _ in constraints)]
        for index in kept:
            await connection.execute(text(f'drop index "{index.split(" INDEX ")[1].split(" ")[0]}"'))
        await connection.execute(text(f"insert into {table} {select}"))
        for name, definition in constraints:
            await connection.execute(text(f'alter table {table} add constraint "{name}" {definition}'))
        for index in kept:
            await connection.execute(text(index))
    async with store.begin() as connection:
        await connection.execute(text(f"analyze {table}"))
        size = (await connection.execute(text("select pg_total_relation_size(cast(:name as regclass))"), {"name": table})).scalar_one()
    say(f"  {table}: made in, size with indexes", f"{time.perf_counter() - begun:.0f} s, {size / 2**20:.0f} MB")


HASH = "encode(sha256(n::text::bytea), 'hex')"


async def persons() -> None:
    with database() as (url, server):
        store = await open_store(url)
        say(f"{PERSONS:,} persons and conversations, {HANDLED:,} answered", "")
        every = f"from generate_series(1, {PERSONS}) n"
        await made(store, "person", f"(key, language, language_fixed, county, opted_out, seen_at) select {HASH}, 'es', false, 'County' || n % 100, false, now() {every}")
        await made(store, "conversation", f"(key, waiting_for, choices, rest, updated_at) select {HASH}, null, '[]', repeat('x', 200), now() {every}")
        answers = f"select 'sms', 'SM' || md5(n::text), {HASH}, repeat('x', 280), now() - n * interval '0.5 s' from generate_series(1, {HANDLED}) n"
        await made(store, "handled", f"(channel, message_id, key, answer, at) {answers}")
        chance = random.Random(2)
        async with store.begin() as connection:
            keys = (await connection.execute(text("select key from person tablesample system (0.02)"))).scalars().all()
            ids = (await connection.execute(text("select message_id from handled tablesample system (0.1)"))).scalars().all()
        chosen, before = chance.sample(list(keys), min(500, len(keys))), chance.sample(list(ids), min(500, len(ids)))
        await timed([store.alive] * 50)
        say("  floor: `select 1`", await timed([store.alive] * 500, server))
        say("  recall by key", await timed([lambda key=key: store.recall(key) for key in chosen], server))
        say("  answered_before, known", await timed([lambda id_=id_: store.answered_before("sms", id_) for id_ in before], server))
        say("  answered_before, unknown", await timed([lambda n=n: store.answered_before("sms", f"new{n}") for n in range(500)], server))
        await store.close()


async def alerts() -> None:
    with database() as (url, server):
        store, seal = await open_store(url), Seal(b"s" * 40)
        sealed = seal.close("+19195550100").hex()
        select = f"select {HASH}, case when n % 10 = 0 then 'telegram' else 'sms' end, 'County' || n % {COUNTIES}, case when n % 8 = 0 then 'es' else 'en' end, decode('{sealed}', 'hex'), now()"
        say(f"{SUBSCRIPTIONS:,} subscriptions in {COUNTIES} counties", "")
        await made(store, "subscription", f"(key, channel, county, language, address, at) {select} from generate_series(1, {SUBSCRIPTIONS}) n")
        outbox, subscriptions = Outbox(store, lambda: NOW), Subscriptions(store, seal, lambda: NOW)
        await timed([store.alive] * 50)
        say("  floor: `select 1`", await timed([store.alive] * 500, server))
        one = [[f"County{n}"] for n in range(COUNTIES)]
        say("  those of a county, chosen and counted: first time", await timed([lambda c=c: subscriptions.counted(c) for c in one], server))
        say("  the same again", await timed([lambda c=c: subscriptions.counted(c) for c in one], server))
        single = [_notice(f"one{n}", one[n]) for n in range(3)]
        say("  10,000 deliveries put in the outbox (a county)", await timed([lambda n=n: outbox.address(n, NOW) for n in single], server))
        many, before = _notice("ten", [f"County{n}" for n in range(20, 30)]), megabytes()
        await outbox.put(many)
        say("  100,000 deliveries put in the outbox (ten counties)", await timed([lambda: outbox.address(many, NOW)], server))
        say("  this process's memory before, after, at most", f"{before:.0f} MB, {megabytes():.0f} MB, {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")
        async with store.begin() as connection:
            await connection.execute(text("analyze delivery"))
        for channel, most in (("sms", 2), ("sms", 150), ("telegram", 50)):
            say(f"  {most} taken of 100,000 that wait ({channel})", await timed([lambda c=channel, m=most: outbox.take(c, m)] * 20, server))
        say("  what is past its time ended (asked every 2 s)", await timed([outbox.expire] * 20, server))
        await store.close()


def _notice(id_: str, counties: list[str]) -> Notice:
    texts = {"en": "Water is handed out until 6 PM.", "es": "Reparten agua hasta las 6 PM."}
    return Notice(id=id_, event=id_, kind="broadcast", counties=counties, **texts, expires_at=NOW + timedelta(hours=6), state=NoticeState.SENDING, made_by="Ana", made_at=NOW)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("content", "contacts", "persons", "alerts", "model"))
    parser.add_argument("--cache", type=Path, help="content: the folder with the model, learnt before")
    parser.add_argument("--times", type=int, help="content: only so many times")
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    if given.what == "model":
        library = collect_library(given.folder / "content" if given.times > 1 else CONTENT)[0].finished
        write_model(library, given.cache, given.folder / "cache", given.times)
    elif given.what == "content":
        for times in (given.times,) if given.times else (1, 10, 100):
            if given.times:
                content(times, given.cache)
            else:
                subprocess.run([sys.executable, __file__, "content", "--times", str(times), "--cache", str(given.cache)], check=True)
    else:
        asyncio.run({"contacts": contacts, "persons": persons, "alerts": alerts}[given.what]())


if __name__ == "__main__":
    main()
