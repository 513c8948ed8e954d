"""A new volunteer's first mend, in a real browser and in Spanish: from the link to the new answer by SMS."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from time import monotonic, sleep

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect
from starlette.applications import Starlette
from twilio.request_validator import RequestValidator

from bot.app import build_doors, compose, routes
from bot.content import Content
from bot.conversation import Mind
from bot.geo.tables import Gazetteer
from bot.settings import ROOT, Settings
from bot.store.store import open_store
from bot.studio.sign_in import SignIn, Volunteer
from bot.wording.catalog import Words
from tests.conftest import CHROMIUM, NOON
from tests.doors import SMS_PATH, TWILIO_TOKEN, serving, twiml_of, with_settings
from tests.test_browser import ARTIFACTS, keep_picture, violations

HOME = "http://faro.example.org"
RIGHT, WRONG = "burbujee fuerte 1 minuto", "burbujee fuerte 4 minutos"
QUESTION = "hervir el agua"

pytestmark = [pytest.mark.browser, pytest.mark.skipif(not CHROMIUM.exists(), reason=f"no browser: {CHROMIUM} is missing (apt-get install chromium)")]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The real content, with a mistake in one Spanish page."""
    copy = tmp_path / "content"
    shutil.copytree(ROOT / "content", copy)
    page = copy / "es" / "practical" / "safe-water.md"
    text = page.read_text(encoding="utf-8")
    assert RIGHT in text
    page.write_text(text.replace(RIGHT, WRONG), encoding="utf-8")
    return copy


@pytest.fixture
def address(settings: Settings, mind: Mind, words: Words, gazetteer: Gazetteer, model_cache: Path, folder: Path) -> Iterator[str]:
    """Faro over that content, watched, with the doors of SMS and the studio open. `mind` is asked for so that the model is learnt."""
    assert mind
    ours = with_settings(settings, public_url=HOME, twilio_auth_token=TWILIO_TOKEN)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        content = Content(folder, model_cache, words, gazetteer, lambda: NOON)
        store = await open_store(ours.database())
        faro = replace(compose(ours, words=words, gazetteer=gazetteer, live=lambda: content.live, store=store, clock=lambda: NOON), content=content)
        app.router.routes.extend(routes(faro, build_doors(faro)))
        watching = asyncio.create_task(content.watch())
        yield
        watching.cancel()
        await asyncio.wait([watching])
        await store.close()

    with serving(Starlette(lifespan=lifespan)) as url:
        yield url


@pytest.fixture
def enter(browser: Browser, address: str, settings: Settings) -> Iterator[Callable[..., Page]]:
    """A volunteer's browser, signed in by the link; a script error or a request to anybody else fails the test at its end."""
    complaints: list[str] = []
    contexts = []

    def open_(width: int = 1200, height: int = 900, locale: str = "es-MX", **more: object) -> Page:
        context = browser.new_context(viewport={"width": width, "height": height}, locale=locale, reduced_motion="reduce", **more)  # type: ignore[arg-type]
        contexts.append(context)
        context.on("request", lambda asked: complaints.append(asked.url) if not asked.url.startswith((address, "data:")) else None)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" and " 409 " not in message.text and " 422 " not in message.text else None)
        # The cookie alone: 'Today', where the link leads, looks through the whole content first.
        context.request.get(f"{address}/studio/enter?key={SignIn(settings.key(), lambda: NOON).link(Volunteer(name='Lucía', role='coordinator'))}", max_redirects=0)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert complaints == []


def by_sms(address: str, number: int) -> str:
    """What a resident who has never written gets by SMS."""
    form = {"MessageSid": f"SM{number}", "From": f"+1828555{number:04d}", "To": "+19195550100", "NumMedia": "0", "Body": QUESTION}
    signature = RequestValidator(TWILIO_TOKEN).compute_signature(f"{HOME}{SMS_PATH}", form)
    return " ".join(twiml_of(httpx.post(f"{address}{SMS_PATH}", data=form, headers={"x-twilio-signature": signature}).raise_for_status().text))


def test_a_new_volunteer_mends_a_page_and_the_next_sms_says_it(enter: Callable[..., Page], address: str) -> None:
    assert WRONG in by_sms(address, 100)
    page = enter()
    page.goto(f"{address}/studio")
    expect(page.locator("html")).to_have_attribute("lang", "es")
    page.get_by_role("link", name="Páginas", exact=True).click()
    page.get_by_label("Busque una página").press_sequentially(WRONG)
    expect(page.locator("#pages-list tbody tr")).to_have_count(1)
    page.get_by_role("link", name="Agua segura").click()
    box, bubble = page.get_by_label("La página en español"), page.locator("#side-es .bubble").first
    expect(bubble).to_contain_text(WRONG)
    box.fill(box.input_value().replace(WRONG, RIGHT))
    expect(bubble).to_contain_text(RIGHT)
    bubble.scroll_into_view_if_needed()
    page.mouse.wheel(0, 120)
    page.wait_for_timeout(300)
    keep_picture(page, "studio-edit-es")
    page.get_by_role("button", name="Guardar", exact=True).click()
    page.wait_for_url("**saved=*")
    begin = monotonic()
    tries = 200
    while RIGHT not in by_sms(address, tries):
        tries += 1
        assert monotonic() < begin + 60, "the new answer did not come"
        sleep(0.05)
    seconds = monotonic() - begin
    expect(page.locator("#live")).to_have_attribute("data-state", "live")
    assert violations(page) == []
    phone = enter(360, 800)
    phone.goto(f"{address}/studio/try")
    phone.get_by_label("Su mensaje").fill(QUESTION)
    phone.get_by_role("button", name="Enviar").click()
    expect(phone.locator("#try-talk .bubble").first).to_contain_text(RIGHT)
    keep_picture(phone, "studio-try-es")
    (ARTIFACTS / "studio-live.json").write_text(json.dumps({"seconds_from_save_to_sms": round(seconds, 2)}) + "\n")


PAGES = {
    "today": "",
    "pages": "/pages",
    "editor": "/pages/safe-water",
    "contacts": "/contacts?q=wake",
    "contact": "/contacts/row?table=hotlines&id=nc211",
    "import": "/contacts/import",
    "map": "/map?county=Wake",
    "questions": "/questions",
    "numbers": "/numbers",
    "shelters": "/shelters",
    "alerts": "/alerts",
    "try": "/try",
}
# What would have to be moved sideways to be read: the page, or anything in it that scrolls by itself.
WIDER = """() => [document.documentElement, ...document.querySelectorAll("body *")]
  .filter((e) => e.scrollWidth > e.clientWidth + 1 && (e === document.documentElement || /auto|scroll/.test(getComputedStyle(e).overflowX)))
  .map((e) => e.outerHTML.slice(0, 80))"""


@pytest.mark.parametrize(("width", "look"), [(360, {}), (1200, {"color_scheme": "dark"})])
def test_the_pages_are_for_everybody(enter: Callable[..., Page], address: str, width: int, look: dict[str, object]) -> None:
    page = enter(width, 800, **look)
    for name, path in PAGES.items():
        page.goto(f"{address}/studio{path}")
        if name == "try":
            page.get_by_label("Su mensaje").fill(QUESTION)
            page.get_by_role("button", name="Enviar").click()
            expect(page.locator("#try-talk .bubble").first).to_contain_text(WRONG)
            expect(page.get_by_label("Su mensaje")).to_have_value("")
        if name == "editor":
            page.get_by_label("La página en español").fill("no front matter")
            expect(page.locator("#side-es .pages-problems")).to_be_visible()
            page.once("dialog", lambda dialog: dialog.accept())
        assert page.evaluate(WIDER) == [], name
        assert violations(page) == [], name
        keep_picture(page, f"studio-{name}-{width}")


@pytest.mark.parametrize("javascript", [True, False])
def test_a_phone_shows_one_language_and_has_all_within_reach(enter: Callable[..., Page], address: str, javascript: bool) -> None:
    page = enter(360, 740, java_script_enabled=javascript)
    page.goto(f"{address}/studio/pages/safe-water")
    spanish, english = page.get_by_label("La página en español"), page.get_by_label("La página en inglés")
    expect(spanish).to_be_visible()
    expect(english).to_be_hidden()
    for reached in (*page.get_by_role("navigation").get_by_role("link").all(), page.get_by_role("button", name="Guardar", exact=True), page.get_by_role("radio", name="English")):
        expect(reached).to_be_in_viewport(ratio=1)
    page.get_by_role("radio", name="English").check()
    expect(english).to_be_visible()
    expect(spanish).to_be_hidden()
    english.fill(english.input_value().replace("title: Safe water", "title: Good water"))
    page.get_by_role("button", name="Guardar", exact=True).click()
    page.wait_for_url("**saved=*")
    expect(english).to_be_visible()
    assert page.get_by_role("radio", name="English").is_checked()


def test_what_is_left_out_is_named_where_it_stands_and_shown_when_tapped(enter: Callable[..., Page], address: str) -> None:
    page = enter(360, 740)
    page.goto(f"{address}/studio/pages/safe-water")
    page.get_by_role("radio", name="English").check()
    english = page.get_by_label("La página en inglés")
    english.fill(f"{english.input_value().rstrip()}\n\nAsk {{nobody}} about it. Then rest.\n")
    # The other language is judged anew as well: its English is another now.
    expect(page.locator("#side-es")).to_contain_text("El inglés cambió")
    expect(page.locator("#side-en")).to_contain_text("la meta es 8 cuando mucho")
    page.get_by_role("button", name="Guardar", exact=True).click()
    page.wait_for_url("**saved=*")
    card = page.locator("#live")
    expect(card).to_have_attribute("data-state", "live")
    expect(card.locator(".warn")).to_contain_text("incompleta")
    expect(card.locator(".good")).to_have_count(0)
    expect(page.locator("#side-en h3").first).to_have_text("Lo que la gente recibe ahora por SMS")
    page.get_by_role("radio", name="Español").check()
    card.get_by_role("link", name="Línea").filter(visible=True).first.click()
    expect(english).to_be_focused()
    assert english.evaluate("e => e.value.slice(e.selectionStart, e.selectionEnd)") == "Ask {nobody} about it. Then rest."


def test_a_choice_of_the_web_dress_can_be_tapped(enter: Callable[..., Page], address: str) -> None:
    page = enter(360, 800)
    page.goto(f"{address}/studio/try")
    page.get_by_label("Canal").select_option("web")
    page.get_by_label("Su mensaje").fill("MENU")
    page.get_by_label("Su mensaje").press("Enter")
    page.locator(".try-choices button").first.click()
    expect(page.locator(".try-turn")).to_have_count(2)
    expect(page.locator(".try-turn").last.locator(".try-web")).not_to_be_empty()
