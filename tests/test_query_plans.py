"""No question that a message or a broadcast puts to PostgreSQL reads a whole table that grows with the residents."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from bot.messages import Channel, Rated
from bot.store.handovers import Handovers
from bot.store.inbox import LEASE, Inbox
from bot.store.keeping import Kept
from bot.store.outbox import Due, Outbox
from bot.store.patience import Patience
from bot.store.sealing import Seal
from bot.store.store import Store, with_driver
from bot.store.subscriptions import Subscriber, Subscriptions
from bot.store.tables import Conversation, Handled, Person
from bot.store.tables_live import DeliveryState, Notice, NoticeState
from tests.conftest import NOON
from tests.postgres import new_database

# Enough rows that the planner reads an index where there is one; old broadcasts, long done, among them.
FILLED = (
    "insert into person (key, language_fixed, opted_out, seen_at) select 'k' || n, false, false, :now from generate_series(1, 5000) n",
    "insert into conversation (key, choices, rest, updated_at) select 'k' || n, '[]', repeat('x', 100), :now from generate_series(1, 5000) n",
    "insert into handled (channel, message_id, key, answer, at) select 'sms', 'm' || n, 'k' || n, repeat('x', 100), :now - n * interval '1 minute' from generate_series(1, 5000) n",
    "insert into subscription (key, channel, county, language, address, at) select 'k' || n, 'sms', 'County' || n % 100, 'en', repeat('x', 100)::bytea, :now from generate_series(1, 10000) n",
    "insert into inbox (channel, message_id, key, payload, at, taken_until, sent, tries) select case when n % 50 = 0 then 'telegram' else 'other' end, 'm' || n, 'k' || n, repeat('x', 100)::bytea, :now, :now, 0, 0 "
    "from generate_series(1, 5000) n",
    "insert into notice (id, event, kind, counties, en, es, life_safety, expires_at, state, made_by, made_at) "
    "select 'n' || n, 'e' || n, 'broadcast', '[]', 'x', 'x', false, :now + (n - 99.5) * interval '1 day', case when n < 99 then 'done' else 'sending' end, 'Ana', :now from generate_series(1, 100) n",
    "insert into delivery (event, key, notice_id, subscription_id, channel, state, tries, not_before, at) "
    "select 'e' || m, 'k' || n, 'n' || m, n, 'sms', case when m = 100 then 'waiting' else 'sent' end, 0, :now, :now from (select n, case when n % 10 = 0 then 100 else n % 99 + 1 end m from generate_series(1, 10000) n) each",
)
GROWING = re.compile(r"Seq Scan on (person|conversation|handled|subscription|delivery|inbox)\b")
DUE = Due(event="e100", key="k90", notice_id="n100", subscription_id=90, tries=1)


class Questions:
    """A PostgreSQL with rows in it, and what was asked of it."""

    def __init__(self, url: str) -> None:
        self.engine: AsyncEngine = create_async_engine(with_driver(url))
        self.store = Store(self.engine)
        self.asked: list[tuple[str, Any]] = []
        self.pulse = 0.0
        seal, patience = Seal(b"s" * 40), Patience(60)
        self.outbox = Outbox(self.store, lambda: NOON)
        self.subscriptions = Subscriptions(self.store, seal, lambda: NOON)
        self.inbox = Inbox(self.store, seal, "telegram", lambda: NOON, patience, lambda: self.pulse)
        self.handovers = Handovers(self.store, seal, "-1", lambda: NOON, patience)

    async def fill(self) -> None:
        await self.store.prepare()
        async with self.engine.begin() as connection:
            for rows in FILLED:
                await connection.execute(text(rows), {"now": NOON})
            await connection.execute(text("analyze"))
        event.listen(self.engine.sync_engine, "before_cursor_execute", self._hear)

    def _hear(self, _connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool) -> None:
        self.asked.append((statement, parameters))

    async def plans(self, ask: Callable[["Questions"], Awaitable[Any]]) -> list[str]:
        """What is asked, each with the way PostgreSQL would go."""
        self.asked.clear()
        await ask(self)
        asked = [*self.asked]
        async with self.engine.connect() as connection:
            plans = [(await connection.exec_driver_sql(f"explain {statement}", parameters)).scalars() for statement, parameters in asked]
        return ["\n".join((statement, *plan)) for (statement, _), plan in zip(asked, plans, strict=True)]

    def kept(self, **more: Any) -> Kept:
        handled = Handled(channel="sms", message_id="new", key="k7", answer="a", at=NOON)
        return Kept(person=Person(key="k7", seen_at=NOON), conversation=Conversation(key="k7", updated_at=NOON), handled=handled, **more)

    async def orphans(self) -> None:
        await self.inbox.orphans()
        self.pulse += LEASE
        await self.inbox.orphans()


@pytest.fixture
async def questions(postgres: str) -> AsyncIterator[Questions]:
    questions = Questions(new_database(postgres))
    try:
        await questions.fill()
        yield questions
    finally:
        await questions.engine.dispose()


NOTICE = Notice(id="n100", event="e100", kind="broadcast", counties=["County7"], en="x", es="x", expires_at=NOON + timedelta(1), state=NoticeState.SENDING, made_by="Ana", made_at=NOON)
ASKED: dict[str, Callable[[Questions], Awaitable[Any]]] = {
    "answered before": lambda q: q.store.answered_before("sms", "m7"),
    "recall": lambda q: q.store.recall("k7"),
    "alerts of a person": lambda q: q.store.alerts("k7"),
    "keep": lambda q: q.store.keep(q.kept(rated=Rated(intent="sleep", useful=True), unsubscribe="County7")),
    "stop": lambda q: q.store.keep(q.kept(unsubscribe="")),
    "forget": lambda q: q.store.keep(q.kept(forget=True)),
    "tidy": lambda q: q.store.tidy(NOON - timedelta(3)),
    "a message owed": lambda q: q.inbox.put("m1", "x", "k7"),
    "a message done": lambda q: q.inbox.done("m50", "m100"),
    "a message worked on": lambda q: q.inbox.renew(["m50", "m100"]),
    "orphans": Questions.orphans,
    "a talk": lambda q: q.handovers.of("k7"),
    "subscribe": lambda q: q.subscriptions.add(Subscriber(key="k7", channel=Channel.SMS, language="en", address="x"), "County8"),
    "unsubscribe": lambda q: q.subscriptions.drop("k7"),
    "subscribers counted": lambda q: q.subscriptions.counted(["County7"]),
    "subscribers addressed": lambda q: q.outbox.address(NOTICE, NOON),
    "subscribers found": lambda q: q.subscriptions.found([7, 8]),
    "deliveries taken": lambda q: q.outbox.take("sms", 5),
    "a delivery settled": lambda q: q.outbox.settle(DUE, DeliveryState.SENT),
    "a notice followed by another": lambda q: q.outbox.supersede(NOTICE),
    "what is past its time": lambda q: q.outbox.expire(),
    "progress": lambda q: q.outbox.progress("n100"),
}


async def test_no_question_reads_a_table_that_grows_nor_sorts_what_waits(questions: Questions) -> None:
    plans = {name: await questions.plans(ask) for name, ask in ASKED.items()}
    assert all(plans.values())
    whole = [f"{name}: {plan}" for name, several in plans.items() for plan in several if GROWING.search(plan)]
    assert not whole, "\n\n".join(whole)
    # A batch costs the same however many wait, and however many were ever sent.
    taking, ending = ("\n".join(plans[name]) for name in ("deliveries taken", "what is past its time"))
    assert "ix_delivery_due" in taking
    assert "Sort" not in taking, taking
    assert re.search(r"ix_delivery_notice\b.*\n.*Index Cond: .*notice_id.*state", ending), ending
