"""The page in a real browser, Debian's chromium, on the window of a cheap phone."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright
from starlette.applications import Starlette

from bot.app import build_doors, compose, routes
from bot.conversation import Mind
from bot.geo.tables import Gazetteer
from bot.settings import ROOT, Settings
from bot.store.store import open_store
from bot.wording.catalog import Words
from tests.conftest import NOON
from tests.doors import serving

CHROMIUM = Path("/usr/bin/chromium")
ARGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
ARTIFACTS = ROOT / "artifacts"
PHONE = {"width": 360, "height": 740}

pytestmark = [pytest.mark.browser, pytest.mark.skipif(not CHROMIUM.exists(), reason=f"no browser: {CHROMIUM} is missing (apt-get install chromium)")]


@pytest.fixture
def address(settings: Settings, mind: Mind, words: Words, gazetteer: Gazetteer) -> Iterator[str]:
    """Faro on a free port, in a thread with a loop of its own."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        store = await open_store(settings.database())
        faro = compose(settings, words=words, gazetteer=gazetteer, mind=mind, store=store, clock=lambda: NOON)
        app.router.routes.extend(routes(faro, build_doors(faro)))
        yield
        await store.close()

    with serving(Starlette(lifespan=lifespan)) as url:
        yield url


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGS)
        yield chromium
        chromium.close()


@pytest.fixture
def visit(browser: Browser, address: str) -> Iterator[Callable[..., Page]]:
    """Opens the page; a script error, a missing file or a refused policy fails the test at its end."""
    complaints: list[str] = []
    contexts = []

    def open_(path: str = "/", *, locale: str = "en-US", javascript: bool = True) -> Page:
        context = browser.new_context(viewport=PHONE, locale=locale, java_script_enabled=javascript)  # type: ignore[arg-type]
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" and "net::" not in message.text else None)
        page.goto(f"{address}{path}")
        return page

    yield open_
    for context in contexts:
        context.close()
    assert complaints == []


def ask(page: Page, text: str) -> None:
    page.locator("#text").fill(text)
    page.locator("#send").click()


def keep_picture(page: Page, name: str) -> None:
    ARTIFACTS.mkdir(exist_ok=True)
    page.wait_for_timeout(600)  # the page scrolls gently
    page.screenshot(path=ARTIFACTS / f"{name}.png")


def fits(page: Page) -> bool:
    """Nothing is wider than the window."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


@pytest.mark.parametrize(
    ("locale", "question", "heading", "name"),
    [("en-US", "where can i sleep tonight, im in asheville", "Shelter in Buncombe County", "web-en"), ("es-MX", "donde puedo dormir hoy en asheville", "Refugio en el condado de Buncombe", "web-es")],
)
def test_a_question_is_answered(visit: Callable[..., Page], locale: str, question: str, heading: str, name: str) -> None:
    page = visit(locale=locale)
    assert page.locator("html").get_attribute("lang") == locale[:2]
    ask(page, question)
    answer = page.locator(".turn.faro").last
    expect(answer.locator("h2")).to_have_text(heading)
    expect(answer.locator('a[href="tel:+18282506100"]')).to_be_visible()
    expect(page.locator(".turn.you .body")).to_have_text(question)
    assert fits(page)
    keep_picture(page, name)


def test_a_choice_is_pressed_and_a_reload_keeps_the_talk(visit: Callable[..., Page]) -> None:
    page = visit()
    ask(page, "MENU")
    page.get_by_role("button", name="FEMA help").click()
    expect(page.locator(".turn.faro").last).to_contain_text("1-800-621-3362")
    keep_picture(page, "web-choices")
    page.reload()
    expect(page.locator(".turn.faro").last).to_contain_text("1-800-621-3362")


def test_enter_sends_and_the_county_is_remembered(visit: Callable[..., Page]) -> None:
    page = visit()
    page.locator("#text").fill("28752")
    page.locator("#text").press("Enter")
    expect(page.locator(".turn.faro").last).to_contain_text("McDowell")
    ask(page, "support groups")
    expect(page.locator(".turn.faro").last.locator("h2")).to_contain_text("McDowell")


def test_the_language_is_switched_by_a_link(visit: Callable[..., Page]) -> None:
    page = visit()
    page.locator("#switch").click()
    expect(page.locator("html")).to_have_attribute("lang", "es")
    ask(page, "28801")
    expect(page.locator(".turn.faro").last).to_contain_text("condado de Buncombe")


def test_the_page_works_without_javascript(visit: Callable[..., Page]) -> None:
    page = visit("/?lang=es", javascript=False)
    ask(page, "MENU")
    page.get_by_role("button", name="Comida").click()
    answers = page.locator(".turn.faro[data-turn]")
    expect(answers).to_have_count(2)
    expect(answers.last).to_contain_text("211")
    assert "Comida" in page.locator(".turn.you").last.inner_text()
    keep_picture(page, "web-no-javascript")


def test_a_message_written_offline_is_answered_when_the_signal_is_back(visit: Callable[..., Page]) -> None:
    page = visit()
    page.route("**/api/chat", lambda route: route.abort())
    page.context.set_offline(True)
    ask(page, "shelter in boone")
    expect(page.locator("#status")).to_contain_text("No connection")
    page.unroute("**/api/chat")
    page.context.set_offline(False)
    expect(page.locator(".turn.faro").last).to_contain_text("Watauga")
