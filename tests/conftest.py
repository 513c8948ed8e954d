"""What all tests share: Faro built once from the real content, a clock that is handed in, a database of one's own."""

import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright
from pydantic import SecretStr

from bot.app import Faro, compose
from bot.content import Content, Live
from bot.conversation import Mind
from bot.geo.tables import Gazetteer, load_gazetteer
from bot.settings import ROOT, Settings
from bot.wording.catalog import Words, load_words
from tests.new_store import new_store
from tests.postgres import running_postgres
from tests.small_content import write_content

MODELS = ROOT / ".pytest_cache" / "model"
LOCK = MODELS / "lock"
NEED_MODEL = {"mind", "visit", "model_cache"}
CHROMIUM = Path("/usr/bin/chromium")
ARGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
# Noon in North Carolina, some days before a third Wednesday.
NOON = datetime(2026, 12, 10, 17, 0, tzinfo=UTC)
SECRET = SecretStr("a secret of the tests, long enough for a key")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests that need no model go first, while it is learnt beside them."""
    needing = [item for item in items if NEED_MODEL & set(getattr(item, "fixturenames", ()))]
    items[:] = [*(item for item in items if item not in set(needing)), *needing]
    if needing and not config.option.collectonly and not any(MODELS.glob("model-*.npz")):
        _learn_beside(config)


def _learn_beside(config: pytest.Config) -> None:
    """The first worker that comes starts a process that learns, and leaves it the lock which `mind` waits for."""
    MODELS.mkdir(parents=True, exist_ok=True)
    with LOCK.open("w") as lock, suppress(BlockingIOError):
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        command = [sys.executable, "-m", "bot", "learn", "--content", str(ROOT / "content"), "--cache", str(MODELS)]
        learner = subprocess.Popen(command, cwd=ROOT, pass_fds=[lock.fileno()], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        config.add_cleanup(partial(_end, learner))


def _end(learner: "subprocess.Popen[bytes]") -> None:
    """Nobody waits for what is learnt after the last test."""
    with suppress(ProcessLookupError):
        os.killpg(learner.pid, signal.SIGKILL)
    learner.wait()


class Clock:
    """A clock that the test moves."""

    def __init__(self, moment: datetime = NOON) -> None:
        self.moment = moment

    def __call__(self) -> datetime:
        return self.moment


@pytest.fixture(scope="session", autouse=True)
def _english() -> Iterator[None]:
    """Commands speak English to the tests, whatever the terminal's language is."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("FARO_LANG", "en")
        yield


@pytest.fixture(scope="session")
def words() -> Words:
    return load_words()


@pytest.fixture(scope="session")
def gazetteer() -> Gazetteer:
    return load_gazetteer()


@pytest.fixture(scope="session")
def model_cache() -> Path:
    """Where the model learnt from the content is kept: one folder for all workers and all runs, named by the content's hash inside."""
    MODELS.mkdir(parents=True, exist_ok=True)
    return MODELS


@pytest.fixture(scope="session")
def mind(words: Words, gazetteer: Gazetteer, model_cache: Path) -> Mind:
    """The real content and the real model; one worker builds it while the others wait."""
    with LOCK.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return Content(ROOT / "content", model_cache, words, gazetteer, Clock()).live.mind


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings that read no environment and no .env."""
    return Settings(_env_file=None, data=tmp_path, secret=SECRET)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def faro(settings: Settings, mind: Mind, words: Words, gazetteer: Gazetteer, clock: Clock) -> AsyncIterator[Faro]:
    """Faro without doors, over a new SQLite file."""
    store = await new_store(settings)
    yield compose(settings, words=words, gazetteer=gazetteer, live=lambda: Live(mind=mind, read_at=NOON), store=store, clock=clock)
    await store.close()


@pytest.fixture(scope="session")
def learnt(tmp_path_factory: pytest.TempPathFactory, words: Words, gazetteer: Gazetteer) -> Path:
    """What is learnt from the first content, once for all tests."""
    folder = tmp_path_factory.mktemp("learnt")
    write_content(folder / "content")
    Content(folder / "content", folder / "cache", words, gazetteer, lambda: NOON)
    return folder / "cache"


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """One PostgreSQL server for all tests; each takes a database of its own (new_database)."""
    with running_postgres() as server:
        yield server


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGS)
        yield chromium
        chromium.close()
