"""What is kept points at nobody, and what is shown holds no secret."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.errors import SettingError
from bot.messages import Channel, Inbound, Location
from bot.settings import Settings, load_settings, require_consistent
from bot.store.privacy import LONGEST_KEPT, person_key, scrubbed

SECRET = b"a secret of the tests, long enough for a key"


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("call me at 919-555-0101 please", "call me at [number] please"),
        ("my cell (919) 555-0101", "my cell [number]"),
        ("+1 919 555 0101", "[number]"),
        ("9195550101", "[number]"),
        ("claim 123456789 denied", "claim [number] denied"),
        ("card 4111 1111 1111 1111", "card [number]"),
        ("write to ann.lee@example.org now", "write to [email] now"),
        ("see https://example.org/me?id=7 please", "see [link] please"),
        ("I am @annlee here", "I am [name] here"),
        ("I live at 12 Old Mill Road in Boone", "I live at [address] in Boone"),
        ("vivo en calle 5", "vivo en [address]"),
        ("My name is Ann Lee and I need food", "My name is [name] and I need food"),
        ("me llamo José Núñez", "me llamo [name]"),
        ("need water in 28752 for 4 people", "need water in 28752 for 4 people"),
        ("¿dónde hay agua en Wake?", "¿dónde hay agua en Wake?"),
        ("call 911 or 211", "call 911 or 211"),
        ("", ""),
    ],
)
def test_what_points_at_a_person_is_scrubbed(text: str, kept: str) -> None:
    assert scrubbed(text) == kept


def test_no_more_than_needed_is_kept() -> None:
    assert len(scrubbed("word " * 20_000)) <= LONGEST_KEPT
    assert "0101" not in scrubbed("x" * (LONGEST_KEPT - 5) + " 919-555-0101")


def test_a_person_is_a_keyed_hash() -> None:
    key = person_key(SECRET, Channel.SMS, "+19195550101")
    assert key == person_key(SECRET, Channel.SMS, "+19195550101")
    assert len(key) == 64
    assert "5550101" not in key
    others = {
        person_key(SECRET, Channel.SMS, "+19195550102"),
        person_key(SECRET, Channel.WHATSAPP, "+19195550101"),
        person_key(b"another secret", Channel.SMS, "+19195550101"),
        person_key(SECRET, Channel.SMS, "\ud800"),
    }
    assert len(others | {key}) == 5


def test_a_message_shows_neither_sender_nor_words() -> None:
    inbound = Inbound(channel=Channel.SMS, sender="+19195550101", message_id="SM1", text="quiero morir", location=Location(latitude=35.5, longitude=-82.5))
    shown = repr(inbound)
    assert "SM1" in shown
    assert not [s for s in ("5550101", "morir", "35.5", "82.5") if s in shown]


HIDDEN = {"secret": "s" * 40, "telegram_token": "123:token", "telegram_secret": "hook-word", "twilio_auth_token": "auth-word", "database_url": "postgresql://faro:pass-word@db.example.org/faro"}


def test_settings_show_no_secret(tmp_path: Path) -> None:
    settings = Settings(_env_file=None, data=tmp_path, **{name: SecretStr(value) for name, value in HIDDEN.items()})  # type: ignore[arg-type]
    for shown in (repr(settings), str(settings), settings.model_dump_json()):
        assert not [name for name, value in HIDDEN.items() if value in shown]
    assert settings.database() == HIDDEN["database_url"]


@pytest.mark.parametrize(
    ("given", "setting"),
    [
        ({"port": "eighty"}, "FARO_PORT"),
        ({"telegram_mode": "pigeon"}, "FARO_TELEGRAM_MODE"),
        ({"log_level": "LOUD"}, "FARO_LOG_LEVEL"),
        ({"telegram_token": "123:token", "telegram_mode": "webhook"}, "FARO_PUBLIC_URL"),
        ({"twilio_auth_token": "auth-word"}, "FARO_PUBLIC_URL"),
        ({"twilio_account_sid": "AC1"}, "FARO_TWILIO_AUTH_TOKEN"),
        ({"twilio_account_sid": "AC1", "twilio_auth_token": ""}, "FARO_TWILIO_AUTH_TOKEN"),
    ],
)
def test_a_wrong_setting_is_named_with_what_to_do(given: dict[str, object], setting: str) -> None:
    with pytest.raises(SettingError) as caught:
        load_settings(_env_file=None, **given)
    assert caught.value.setting == setting
    assert str(caught.value).startswith(f"{setting}: ")
    assert "What to do: " in str(caught.value)
    assert not [value for value in ("pigeon", "auth-word", "123:token") if value in str(caught.value)]


def test_a_short_secret_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="FARO_SECRET: has 5 characters"):
        Settings(_env_file=None, data=tmp_path, secret=SecretStr("short")).key()


def test_a_secret_is_made_once_for_the_owner_only(tmp_path: Path) -> None:
    settings = Settings(_env_file=None, data=tmp_path / "data")
    made = settings.key()
    assert len(made) >= 32
    assert settings.key() == made
    assert (tmp_path / "data" / "secret").stat().st_mode & 0o077 == 0


def test_good_settings_pass() -> None:
    require_consistent(load_settings(_env_file=None, twilio_auth_token="auth-word", public_url="https://faro.example.org", telegram_token="123:token"))
