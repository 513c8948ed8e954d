"""The page in a real browser, Debian's chromium, on the window of a cheap phone."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Browser, Page, Request, expect
from starlette.applications import Starlette
from starlette.responses import HTMLResponse
from starlette.routing import Route

from bot.app import build_doors, compose, routes
from bot.content import Live
from bot.conversation import Mind
from bot.geo.tables import Gazetteer
from bot.limits import PER_PERSON
from bot.settings import ROOT, Settings
from bot.store.store import open_store
from bot.wording.catalog import Words
from tests.conftest import CHROMIUM, NOON
from tests.doors import serving

ARTIFACTS = ROOT / "artifacts"
PHONE = {"width": 360, "height": 740}
MOST_BYTES = 50_000
# What a browser says by itself when there is no network, a limit is met, or a page goes while its service worker is being fetched.
EXPECTED = ("net::", " 429 ", "fetching the script")

pytestmark = [pytest.mark.browser, pytest.mark.skipif(not CHROMIUM.exists(), reason=f"no browser: {CHROMIUM} is missing (apt-get install chromium)")]


@pytest.fixture
def server(settings: Settings, mind: Mind, words: Words, gazetteer: Gazetteer) -> Starlette:
    """Faro, for a thread with a loop of its own."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        store = await open_store(settings.database())
        faro = compose(settings, words=words, gazetteer=gazetteer, live=lambda: Live(mind=mind, read_at=NOON), store=store, clock=lambda: NOON)
        app.router.routes.extend(routes(faro, build_doors(faro)))
        yield
        await store.close()

    return Starlette(lifespan=lifespan)


@pytest.fixture
def address(server: Starlette) -> Iterator[str]:
    """Faro on a free port."""
    with serving(server) as url:
        yield url


@pytest.fixture
def visit(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Callable[..., Page]]:
    """Opens the page; a script error, a missing file, a refused policy or a request to anybody else fails the test at its end."""
    complaints: list[str] = []
    contexts = []

    def complain(text: str) -> None:
        if not any(expected in text for expected in EXPECTED):
            complaints.append(text)

    def open_(path: str = "/", *, at: str = "", javascript: bool = True, locale: str = "en-US", **more: object) -> Page:
        home = at or request.getfixturevalue("address")
        context = browser.new_context(**{"viewport": PHONE, "reduced_motion": "reduce", "locale": locale, "java_script_enabled": javascript, **more})  # type: ignore[arg-type]
        contexts.append(context)
        context.on("request", lambda asked: complaints.append(asked.url) if not asked.url.startswith((home, "data:", "blob:")) else None)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on("pageerror", lambda error: complain(str(error)))
        page.on("console", lambda message: complain(message.text) if message.type == "error" else None)
        if path:
            page.goto(f"{home}{path}")
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
    page.screenshot(path=ARTIFACTS / f"{name}.png")


def violations(page: Page) -> list[str]:
    """What axe-core finds wrong for people who see, hear or move less."""
    found = Axe().run(page).response["violations"]
    return [f"{rule['id']}: {node['html'][:200]} {node['failureSummary']}" for rule in found for node in rule["nodes"]]


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


@pytest.mark.parametrize(("language", "topics", "choice"), [("en", "See all topics", "Food"), ("es", "Ver todos los temas", "Comida")])
def test_the_page_works_without_javascript(visit: Callable[..., Page], language: str, topics: str, choice: str) -> None:
    page = visit(f"/?lang={language}", javascript=False)
    ask(page, "28752")
    page.get_by_role("button", name=topics).click()
    page.get_by_role("button", name=choice, exact=True).click()
    answers = page.locator(".turn.faro[data-turn]")
    expect(answers).to_have_count(3)
    expect(answers.last).to_contain_text("211")
    assert choice in page.locator(".turn.you").last.inner_text()
    assert [bubble.get_attribute("lang") for bubble in answers.all()] == [language] * 3
    keep_picture(page, f"web-no-javascript-{language}")


def test_a_message_written_offline_is_answered_when_the_signal_is_back(visit: Callable[..., Page]) -> None:
    page = visit()
    page.route("**/api/chat", lambda route: route.abort())
    page.context.set_offline(True)
    ask(page, "shelter in boone")
    expect(page.locator("#status")).to_contain_text("No connection")
    page.unroute("**/api/chat")
    page.context.set_offline(False)
    expect(page.locator(".turn.faro").last).to_contain_text("Watauga")


@pytest.mark.parametrize("locale", ["en-US", "es-MX"])
def test_the_page_is_light(visit: Callable[..., Page], address: str, locale: str) -> None:
    page = visit("", locale=locale)
    asked: list[Request] = []
    page.on("requestfinished", lambda finished: asked.append(finished))
    page.goto(f"{address}/")
    page.wait_for_load_state("networkidle")
    sizes = {request.url.removeprefix(address): sum(request.sizes()[part] for part in ("responseBodySize", "responseHeadersSize")) for request in asked}
    assert sizes["/static/chat.js"] > 5000, "it came over the wire, not from the cache"
    assert {"/static/chat.css", "/static/icon.svg"} < set(sizes)
    assert sum(sizes.values()) < MOST_BYTES, sizes


@pytest.mark.parametrize(
    ("locale", "large", "look"),
    [
        ("en-US", False, {}),
        ("es-MX", False, {}),
        ("en-US", False, {"color_scheme": "dark"}),
        ("es-MX", True, {"color_scheme": "dark"}),
        ("es-MX", False, {"viewport": {"width": 320, "height": 568}}),
        ("es-MX", True, {"viewport": {"width": 320, "height": 568}}),
        ("en-US", False, {"viewport": {"width": 640, "height": 400}, "device_scale_factor": 2}),
    ],
    ids=["English", "Spanish", "dark", "dark and large", "320 px", "320 px and large", "1280 px at 200 %"],
)
def test_axe_finds_nothing_wrong(visit: Callable[..., Page], request: pytest.FixtureRequest, locale: str, large: bool, look: dict[str, object]) -> None:
    page, english = visit(locale=locale, **look), locale.startswith("en")
    name = request.node.callspec.id.replace(" ", "-").replace("%", "percent")
    if large:
        page.locator("#big").click()
    assert page.locator("#big").get_attribute("aria-pressed") == str(large).lower()
    for step, text in enumerate(["", "support groups in asheville" if english else "grupos de apoyo en asheville", "MENU", "i cannot sleep" if english else "no puedo dormir"]):
        if text:
            ask(page, text)
            expect(page.locator(".turn.faro")).to_have_count(step + 1)
        assert violations(page) == [], text
        assert fits(page), text
        keep_picture(page, f"look-{name}-{step}")


def test_everything_is_reached_by_keyboard(visit: Callable[..., Page]) -> None:
    page = visit()
    ask(page, "MENU")
    expect(page.locator(".turn.faro").last.get_by_role("button").first).to_be_visible()
    page.reload()
    expect(page.locator(".turn.faro").last.get_by_role("button").first).to_be_visible()
    reached = []
    for _ in range(25):
        page.keyboard.press("Tab")
        focus = page.evaluate("(e => ({name: e.id || e.className || e.textContent, seen: getComputedStyle(e).outlineWidth, style: getComputedStyle(e).outlineStyle}))(document.activeElement)")
        reached.append(focus["name"])
        assert focus["style"] == "solid", f"focus is not seen on {focus}"
        assert float(focus["seen"].removesuffix("px")) >= 2
        if focus["name"] == "send":
            break
    assert reached[:7] == ["skip", "911", "988", "big", "switch", "See all topics", "where"]
    assert reached[-2:] == ["text", "send"]
    assert "A safe place to sleep" in reached
    page.locator(".skip").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#text")).to_be_focused()
    page.keyboard.type("i cannot sleep")
    page.keyboard.press("Enter")
    expect(page.locator(".turn.faro").last.locator("h2")).to_be_visible()
    expect(page.locator("#text")).to_be_focused()


def test_each_bubble_says_its_language(visit: Callable[..., Page]) -> None:
    page = visit()
    expect(page).to_have_title("Faro: help after a disaster in North Carolina")
    ask(page, "no puedo dormir desde la tormenta")
    expect(page.locator(".turn.faro").last).to_have_attribute("lang", "es")
    expect(page.locator(".turn.you").last).to_have_attribute("lang", "es")
    expect(page.locator(".turn.faro").first).to_have_attribute("lang", "en")
    page.locator("#switch").click()
    expect(page).to_have_title("Faro: ayuda después de un desastre en Carolina del Norte")


@pytest.mark.parametrize("locale", ["en-US", "es-MX"])
def test_the_top_of_the_page_leaves_room_on_a_phone(visit: Callable[..., Page], locale: str) -> None:
    welcome = visit(locale=locale).locator(".turn").first.bounding_box()
    assert welcome is not None
    assert welcome["y"] < PHONE["height"] * 0.33


def test_an_answer_is_rated(visit: Callable[..., Page]) -> None:
    page = visit()
    ask(page, "i cannot sleep")
    page.get_by_role("button", name="Useful", exact=True).click()
    expect(page.locator(".turn.faro").last).to_contain_text("Thank you")
    expect(page.locator(".turn.you").last).to_contain_text("Useful")


def test_a_location_is_shared_only_at_the_second_tap(visit: Callable[..., Page]) -> None:
    page = visit(geolocation={"latitude": 35.595, "longitude": -82.552}, permissions=["geolocation"])
    page.locator("#where").click()
    expect(page.locator(".why").first).to_contain_text("used once")
    assert page.locator(".turn.you").count() == 0
    page.wait_for_timeout(700)  # a double tap is one tap
    with page.expect_request("**/api/chat") as sent:
        page.locator("#where").click()
    assert (sent.value.post_data_json or {})["location"] == {"latitude": 35.595, "longitude": -82.552}
    expect(page.locator(".turn.faro").last).to_contain_text("Buncombe")


def test_too_many_messages_are_answered_in_words_and_a_crisis_always(visit: Callable[..., Page], address: str) -> None:
    for _ in range(PER_PERSON.amount):
        httpx.post(f"{address}/api/chat", json={"id": "same", "text": "MENU"}).raise_for_status()
    page = visit()
    ask(page, "food in boone")
    bubble = page.locator(".turn.faro").last
    expect(bubble).to_contain_text("Please wait a minute")
    for number in ("911", "988", "211"):
        expect(bubble.locator(f'a[href="tel:{number}"]')).to_be_visible()
    ask(page, "i want to kill myself")
    expect(page.locator(".turn.faro").last).to_contain_text("Call or text 988 now")
    plain = visit("/?lang=es", javascript=False)
    ask(plain, "comida en boone")
    expect(plain.locator(".turn.faro").last).to_contain_text("Espere un minuto")
    expect(plain.locator("#text")).to_have_value("comida en boone")


@pytest.mark.parametrize(
    ("locale", "crisis", "coping", "title"),
    [("en-US", "i want to die", "i cannot sleep", "Trouble sleeping"), ("es-MX", "quiero morirme", "no puedo dormir, insomnio", "Cuando no se")],
)
def test_what_is_saved_is_there_without_signal(visit: Callable[..., Page], server: Starlette, locale: str, crisis: str, coping: str, title: str) -> None:
    with serving(server) as address:
        page = visit(at=address, locale=locale)
        page.evaluate("navigator.serviceWorker.ready")
        page.wait_for_function("caches.match('/offline.json?lang=en').then(a => caches.match('/offline.json?lang=es').then(b => a && b && true))")
        page.wait_for_function("!!navigator.serviceWorker.controller")
    page.context.set_offline(True)
    for path in ("/", f"/?lang={locale[:2]}"):
        page.goto(f"{address}{path}")
        assert page.locator("html").get_attribute("lang") == locale[:2]
        expect(page.locator(".urgent a[href='tel:988']")).to_be_visible()
    ask(page, crisis)
    expect(page.locator(".turn.faro").last.locator("a[href='tel:988']").first).to_be_visible()
    ask(page, "MENU")
    expect(page.locator(".turn.faro").nth(2).get_by_role("button").filter(has_text=title)).to_be_visible()
    page.locator(".turn.faro").nth(2).get_by_role("button").filter(has_text=title).click()
    expect(page.locator(".turn.faro").nth(3)).to_contain_text(title)
    ask(page, coping)
    expect(page.locator(".turn.faro").nth(4)).to_contain_text(title)
    assert violations(page) == []
    keep_picture(page, f"web-offline-{locale[:2]}")


def test_a_partner_embeds_faro_with_one_line(visit: Callable[..., Page], browser: Browser, address: str) -> None:
    line = f'<script src="{address}/static/embed.js" data-lang="es" async></script>'
    partner = f'<!doctype html><html lang="es"><title>Partner</title><main><h1>Partner</h1></main>{line}</html>'
    thief = f'<!doctype html><title>Thief</title><iframe src="{address}/"></iframe>'
    pages = [Route("/", lambda _: HTMLResponse(partner)), Route("/thief", lambda _: HTMLResponse(thief))]
    with serving(Starlette(routes=pages)) as elsewhere:
        page = browser.new_context(viewport=PHONE).new_page()  # type: ignore[arg-type]
        page.goto(f"{elsewhere}/")
        opener = page.get_by_role("button", name="Faro: ayuda en desastres")
        opener.click()
        inside = page.frame_locator("iframe")
        inside.locator("#text").fill("28801")
        inside.locator("#send").click()
        expect(inside.locator(".turn.faro").last).to_contain_text("condado de Buncombe")
        inside.locator("#switch").click()
        expect(inside.locator("html")).to_have_attribute("lang", "en")
        assert violations(page) == []
        keep_picture(page, "web-embedded")
        page.get_by_role("button", name="Cerrar Faro").click()
        expect(opener).to_be_focused()
        page.goto(f"{elsewhere}/thief")
        expect(page.frame_locator("iframe").locator("#text")).to_have_count(0)
        assert page.frames[1].url.startswith("chrome-error:"), "the main page refuses to stand in a frame"
        page.context.close()
