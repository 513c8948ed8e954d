"""How often one client may ask: who is counted as one, what the limited are told, and that a crisis is never limited."""

from inspect import signature
from ipaddress import ip_network
from time import monotonic

import pytest
from starlette.requests import HTTPConnection

from bot.app import Faro
from bot.channels.client import client_address
from bot.errors import SettingError
from bot.limits import MOST_COUNTED, PER_PERSON, Limit, Limiter
from bot.settings import load_settings
from tests.doors import House, open_house

CHAT = "/api/chat"
TWO = Limit(2)


def test_each_name_is_counted_for_itself() -> None:
    limiter = Limiter()
    assert [limiter.wait((TWO, "a")) for _ in range(2)] == [0, 0]
    assert 0 < limiter.wait((TWO, "a")) <= 60
    assert limiter.wait((TWO, "b")) == 0
    assert limiter.wait((TWO, "b"), (TWO, "a")) > 0, "one name that has had enough is enough"
    assert limiter.wait((TWO, "b")) == 0, "what is refused is not counted"


def test_a_window_moves() -> None:
    now = [0.0]
    limiter = Limiter(clock=lambda: now[0])
    waits = []
    for now[0] in (0.0, 50.0, 55.0, 61.0, 62.0, 111.0):
        waits.append(limiter.wait((TWO, "a")))
    assert waits == [0, 0, 5, 0, 48, 0]


def test_windows_go_by_a_clock_that_nobody_sets() -> None:
    assert signature(Limiter).parameters["clock"].default is monotonic


def test_whoever_is_forgotten_asked_longest_ago() -> None:
    limiter = Limiter(most_counted=2)
    for name in ("flood", "flood", "b", "flood", "c", "flood"):
        limiter.wait((TWO, name))
    assert limiter.wait((TWO, "flood")) > 0, "a flood of names lets nobody through who was just refused"


def test_the_memory_is_bounded() -> None:
    limiter = Limiter(most_counted=10)
    for n in range(100):
        limiter.wait((TWO, str(n)), (TWO, f"x{n}"))
        assert len(limiter) <= 10
    assert MOST_COUNTED <= 100_000


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("198.51.100.7", "", "198.51.100.7"),
        ("198.51.100.7", "203.0.113.9", "198.51.100.7"),  # anybody can write the header
        ("10.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", "192.0.2.66, 203.0.113.9", "203.0.113.9"),  # what stands further left the client may have invented
        ("10.0.0.1", "203.0.113.9, 10.0.0.2", "203.0.113.9"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "nonsense", "10.0.0.1"),
        ("10.0.0.1", "10.0.0.3", "10.0.0.3"),
        ("2001:db8:1:2:3:4:5:6", "", "2001:db8:1:2::/64"),
        ("::ffff:198.51.100.7", "", "198.51.100.7"),
        ("", "", ""),
        ("", "203.0.113.9", ""),
    ],
)
def test_who_asks(peer: str, forwarded: str, client: str) -> None:
    headers = [(b"x-forwarded-for", forwarded.encode())] if forwarded else []
    request = HTTPConnection({"type": "http", "headers": headers, "client": (peer, 1) if peer else None})
    assert client_address(request, [ip_network("10.0.0.0/8")]) == client


def test_a_wrong_proxy_is_named() -> None:
    assert load_settings(_env_file=None, trusted_proxies="127.0.0.1, 10.0.0.0/8").proxies() == [ip_network("127.0.0.1/32"), ip_network("10.0.0.0/8")]
    with pytest.raises(SettingError, match="FARO_TRUSTED_PROXIES"):
        load_settings(_env_file=None, trusted_proxies="nginx")


async def exhaust(house: House, *, session: str | None = None, headers: dict[str, str] | None = None) -> None:
    """As many messages as one person may send: the same one again and again, which costs nothing."""
    for _ in range(PER_PERSON.amount):
        answer = await house.client.post(CHAT, json={"id": "same", "text": "MENU", "session": session}, headers=headers)
        assert answer.status_code == 200


@pytest.mark.parametrize(("language", "sentence"), [("en", "Please wait a minute"), ("es", "Espere un minuto")])
async def test_the_limited_are_told_so_in_their_language(faro: Faro, language: str, sentence: str) -> None:
    async with open_house(faro) as house:
        await exhaust(house)
        answer = await house.client.post(CHAT, json={"id": "m2", "text": "food", "language": language})
        assert (answer.status_code, 0 < int(answer.headers["retry-after"]) <= 60) == (429, True)
        assert sentence in answer.json()["message"]
        assert [n for n in ("911", "988", "211") if f'href="tel:{n}"' not in answer.json()["html"]] == []
        page = await house.client.post(f"/?lang={language}", data={"text": "food & water", "lang": language})
        assert (page.status_code, page.headers["retry-after"] != "") == (429, True)
        assert sentence in page.text
        assert ">food &amp; water</textarea>" in page.text, "nobody has to write it twice"


@pytest.mark.parametrize(("text", "line"), [("i want to kill myself", "988"), ("quiero morirme", "988"), ("my husband hit me", "1-800-799-7233"), ("we are trapped in the attic", "911")])
async def test_a_crisis_is_never_limited(faro: Faro, text: str, line: str) -> None:
    async with open_house(faro) as house:
        await exhaust(house)
        answer = await house.client.post(CHAT, json={"id": "m2", "text": text})
        assert answer.status_code == 200
        assert line in answer.json()["html"]
        page = await house.client.post("/", data={"text": text})
        assert page.status_code == 200
        assert "Please wait" not in page.text


async def test_those_behind_one_address_do_not_use_up_each_others_share(faro: Faro) -> None:
    async with open_house(faro) as house:
        first = (await house.client.post(CHAT, json={"id": "a", "text": "hi"})).json()["session"]
        await exhaust(house, session=first)
        assert (await house.client.post(CHAT, json={"id": "b", "text": "hi", "session": first})).status_code == 429
        assert (await house.client.post(CHAT, json={"id": "c", "text": "hi"})).status_code == 200
        assert (await house.client.post(CHAT, json={"id": "d", "text": "hi", "session": "x" + first})).status_code == 200, "a forged session counts as none"


@pytest.mark.parametrize(("proxies", "status"), [("127.0.0.1", 200), ("", 429)])
async def test_only_our_own_proxies_are_believed(faro: Faro, proxies: str, status: int) -> None:
    async with open_house(faro, trusted_proxies=proxies) as house:
        await exhaust(house, headers={"x-forwarded-for": "203.0.113.9"})
        other = await house.client.post(CHAT, json={"id": "b", "text": "hi"}, headers={"x-forwarded-for": "203.0.113.10"})
        assert other.status_code == status
