"""What is lost when a bot is killed while messages come in, how soon it is back, and what it holds in memory while it serves; for benchmarks/rivals.py."""

import asyncio
import os
import random
import socket
import statistics
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.doors import PUBLIC_URL, TWILIO_TOKEN, serving, signed, wait_until
from tests.fake_telegram import TOKEN, FakeTelegram
from tests.test_telegram_door import update

MESSAGES, BEFORE = 200, 50
EVERY = 0.1  # seconds between messages when they do not come all at once
PATIENCE = 300
QUIET = 20  # seconds after which a bot that answers nothing more is taken to be done
COUNTIES = ("Wake", "Durham", "Orange", "Buncombe", "Watauga", "Ashe", "Yancey", "Haywood", "Henderson", "Madison")


def text(n: int) -> str:
    return f"shelter in {COUNTIES[n % len(COUNTIES)]} county"


@dataclass
class Service:
    """A bot as a process that can be killed and started again."""

    name: str
    command: tuple[str, ...]
    environment: dict[str, str]
    work: Path
    cutoff: float
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def start(self, order: str, *more: str) -> None:
        environment = {"FARO_TWILIO_AUTH_TOKEN": TWILIO_TOKEN, "FARO_PUBLIC_URL": PUBLIC_URL} if order == "serve" else {}
        with (self.work / "served.log").open("ab") as log:
            self.process = subprocess.Popen([*self.command, order, str(self.work), str(self.cutoff), *more], env={**os.environ, **self.environment, **environment}, stdout=log, stderr=log)

    def kill(self) -> None:
        assert self.process
        self.process.kill()
        self.process.wait(20)

    def memory(self) -> str:
        """Of the process while it serves: what is resident now."""
        assert self.process
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        return f"{int(status.split('VmRSS:')[1].split()[0]) / 1024:.0f}"

    def processor(self) -> str:
        """Seconds of processor time that the process has used."""
        assert self.process
        used = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return f"{(int(used[11]) + int(used[12])) / os.sysconf('SC_CLK_TCK'):.1f}"

    def forget(self) -> None:
        """Each run has a new database. Rivals keep none."""
        for path in (self.work / "faro").glob("faro.sqlite3*"):
            path.unlink()


def free_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return str(free.getsockname()[1])


def telegram_run(service: Service) -> dict[str, str]:
    rows = {}
    for name, every in (("all at once", 0.0), ("ten a second", EVERY)):
        service.forget()
        telegram = FakeTelegram()
        with serving(telegram.app) as api:
            rows |= _telegram(service, telegram, api, name, every)
    return rows


def _telegram(service: Service, telegram: FakeTelegram, api: str, name: str, every: float) -> dict[str, str]:
    order = ("poll", api, TOKEN, free_port())
    try:
        begun = time.perf_counter()
        service.start(*order)
        telegram.push(update(chat=1, text=text(0)))
        wait_until(lambda: bool(telegram.texts(1)), PATIENCE)
        up, used = time.perf_counter() - begun, service.processor()
        killed = False
        for n in range(MESSAGES):
            telegram.push(update(chat=100 + n, text=text(n)))
            time.sleep(every)
            if every and not killed and answered(telegram) >= BEFORE:
                killed = again(service, order)
        if not killed:
            wait_until(lambda: answered(telegram) >= BEFORE, PATIENCE)
            again(service, order)
        telegram.push(update(chat=2, text=text(0)))
        wait_until(lambda: bool(telegram.texts(2)), PATIENCE)  # it is back
        settle(telegram)
        texts = [len(telegram.texts(100 + n)) for n in range(MESSAGES)]
        lost, twice = sum(n == 0 for n in texts), sum(n > 1 for n in texts)
        memory = service.memory()
    finally:
        service.kill()
    return {
        "Telegram: s until the first answer": f"{up:.1f}",
        "Telegram: processor s until the first answer": used,
        "Telegram: MB while serving": memory,
        f"Telegram, killed, {name}: never answered": f"{lost} of {MESSAGES}",
        f"Telegram, killed, {name}: answered twice": f"{twice} of {MESSAGES}",
    }


def again(service: Service, order: tuple[str, ...]) -> bool:
    service.kill()
    service.start(*order)
    return True


def answered(telegram: FakeTelegram) -> int:
    return len({c.params["chat_id"] for c in telegram.named("sendMessage")} - {"1", "2"})


def settle(telegram: FakeTelegram) -> None:
    """Until all are answered, or nothing was for a while."""
    before, since = -1, time.monotonic()
    while (now := answered(telegram)) < MESSAGES and time.monotonic() - since < QUIET:
        if now != before:
            before, since = now, time.monotonic()
        time.sleep(0.1)


def webhook_run(service: Service) -> dict[str, str]:
    service.forget()
    port = free_port()
    try:
        begun = time.perf_counter()
        service.start("serve", port)
        with httpx.Client() as client:
            wait_until(lambda: reached(client, port), PATIENCE)
            up, used = time.perf_counter() - begun, service.processor()
            times = asyncio.run(_messages(service, port))
            wait_until(lambda: reached(client, port), PATIENCE)
        memory = service.memory()
    finally:
        service.kill()
    return {
        "webhook: s until the first answer": f"{up:.1f}",
        "webhook: processor s until the first answer": used,
        "webhook: MB while serving": memory,
        "webhook: ms until the answer is there, median": f"{1000 * statistics.median(t for t in times if t):.1f}",
        "webhook, killed, each message sent once: never answered": f"{sum(t is None for t in times)} of {MESSAGES}",
    }


def form(n: int) -> dict[str, str]:
    return {"MessageSid": f"SM{n}", "From": f"+1919555{n:04d}", "To": "+19195550100", "NumMedia": "0", "Body": text(n)}


def reached(client: httpx.Client, port: str) -> bool:
    try:
        return client.post(f"http://127.0.0.1:{port}/twilio/messages", headers=signed(form(9999)), data=form(9999)).status_code == 200
    except httpx.TransportError:
        return False


async def _messages(service: Service, port: str) -> list[float | None]:
    """Ten a second, never mind whether the last is answered; killed at a moment that nobody chose once fifty are, and started again at once."""
    times: list[float | None] = [None] * MESSAGES

    async def one(client: httpx.AsyncClient, n: int) -> None:
        begun = time.perf_counter()
        try:
            answer = await client.post(f"http://127.0.0.1:{port}/twilio/messages", headers=signed(form(n)), data=form(n), timeout=15)
        except httpx.HTTPError:
            return
        if answer.status_code == 200 and "<Message>" in answer.text:
            times[n] = time.perf_counter() - begun

    async with httpx.AsyncClient() as client, asyncio.TaskGroup() as sending:
        killed = False
        for n in range(MESSAGES):
            sending.create_task(one(client, n))
            await asyncio.sleep(EVERY)
            if not killed and sum(t is not None for t in times) >= BEFORE:
                await asyncio.sleep(random.Random(n).uniform(0, EVERY))
                killed = again(service, ("serve", port))
    return times
