"""Who gets into the studio, and what every page of it sends with itself."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot.cli import app
from bot.geo.tables import Gazetteer
from bot.settings import Settings
from bot.studio.contacts import LARGEST_IMPORT
from bot.studio.door import LARGEST_FORM
from bot.studio.sign_in import LINK_LIFE, SignIn, Volunteer
from bot.wording.catalog import Words
from tests.conftest import NOON, Clock
from tests.small_content import write_content
from tests.studio import Workroom, open_studio


@pytest.fixture
async def room(settings: Settings, words: Words, gazetteer: Gazetteer, learnt: Path, clock: Clock, tmp_path: Path) -> AsyncIterator[Workroom]:
    write_content(tmp_path / "content")
    async with open_studio(settings, words, gazetteer, tmp_path / "content", learnt, clock) as opened:
        yield opened


async def test_a_link_opens_the_studio_and_nothing_else_does(room: Workroom) -> None:
    assert (await room.get("/studio")).status_code == 200
    await room.post("/studio/leave")
    room.client.cookies.clear()
    answer = await room.get("/studio", "es")
    assert (answer.status_code, "Primero entre con su enlace" in answer.text) == (401, True)
    for key in ("", "x.y.z", SignIn(b"another secret of at least 32 characters", lambda: NOON).link(Volunteer(name="Eve", role="coordinator"))):
        assert (await room.client.get(f"/studio/enter?key={key}")).status_code == 403
    room.client.cookies.set("faro_studio", "forged")
    assert (await room.get("/studio")).status_code == 401


async def test_the_cookie_is_kept_from_scripts_and_other_sites(room: Workroom) -> None:
    cookie = (await room.sign_in()).headers["set-cookie"].lower()
    assert all(part in cookie for part in ("httponly", "samesite=lax", "path=/studio", "max-age="))


async def test_every_page_says_what_a_browser_may_do(room: Workroom) -> None:
    answer = await room.get("/studio")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy


async def test_the_language_can_be_switched_and_stays(room: Workroom) -> None:
    assert 'lang="en"' in (await room.get("/studio")).text
    assert (await room.get("/studio/language/es?back=//evil.example.org")).headers["location"] == "/studio"
    assert 'lang="es"' in (await room.get("/studio")).text


def test_the_command_prints_a_link_that_works() -> None:
    done = CliRunner().invoke(app, ["studio-link", "Ana", "--role", "coordinator"])
    assert done.exit_code == 0
    assert "/studio/enter?key=" in done.stdout
    assert LINK_LIFE <= 3600
    assert CliRunner().invoke(app, ["studio-link", "Ana", "--role", "king"]).exit_code != 0


async def test_a_form_is_read_up_to_its_limit_and_a_table_up_to_its_own(room: Workroom) -> None:
    assert (await room.post("/studio/try", text="a" * LARGEST_FORM)).status_code == 413
    table = {"table": "hotlines", "rows": "id\n" + "a" * LARGEST_FORM}
    assert (await room.post("/studio/contacts/import", **table)).status_code == 422
    answer = await room.post("/studio/contacts/import", "es", **{**table, "rows": "a" * LARGEST_IMPORT})
    assert (answer.status_code, "varias partes" in answer.text) == (413, True)
