"""The part of benchmarks/scale.py that needs a database: a PostgreSQL of its own, filled inside."""

import os
import random
import resource
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import text

from benchmarks.timing import megabytes, say, timed
from bot.store.outbox import Outbox
from bot.store.sealing import Seal
from bot.store.store import Store, open_store
from bot.store.subscriptions import Subscriptions
from bot.store.tables_live import Notice, NoticeState
from tests.postgres import Server, new_database, postgres_server

NOW = datetime(2026, 12, 10, 17, tzinfo=UTC)
PERSONS, HANDLED, SUBSCRIPTIONS, COUNTIES = 5_000_000, 1_000_000, 1_000_000, 100


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
