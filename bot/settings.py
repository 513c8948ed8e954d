"""Settings, read once from the environment and `.env`; secrets never print."""

import secrets
from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_network
from itertools import pairwise
from pathlib import Path
from typing import Literal

from pydantic import PositiveFloat, PositiveInt, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from bot.errors import SettingError
from bot.messages import Language

ROOT = Path(__file__).resolve().parent.parent


# Each feed, and the setting that holds its address.
FEEDS = {"fema": "fema_url", "nss": "nss_url", "red-cross": "red_cross_url", "nws": "nws_url"}


class Settings(BaseSettings):
    """Everything that differs between one Faro and another. Each is an environment variable with the prefix FARO_."""

    model_config = SettingsConfigDict(env_prefix="FARO_", env_file=".env", extra="ignore", hide_input_in_errors=True)

    host: str = "127.0.0.1"
    port: int = 8080
    public_url: str = ""
    trusted_proxies: str = ""
    data: Path = Path("data")
    database_url: SecretStr | None = None
    content: Path = ROOT / "content"
    secret: SecretStr | None = None
    keep_handled_days: PositiveInt = 7
    keep_unanswered_days: PositiveInt = 90
    keep_feedback_days: PositiveInt = 90
    keep_ratings_days: PositiveInt = 90
    keep_tally_days: PositiveInt = 730
    telegram_token: SecretStr | None = None
    telegram_mode: Literal["polling", "webhook"] | None = None
    telegram_secret: SecretStr | None = None
    telegram_api_url: str = "https://api.telegram.org"
    volunteers_chat: int | None = None
    coordinators_chat: int | None = None
    twilio_account_sid: str = ""
    twilio_auth_token: SecretStr | None = None
    twilio_subaccount_tokens: dict[str, SecretStr] = {}
    twilio_from: str = ""
    twilio_messaging_service_sid: str = ""
    twilio_api_url: str = "https://api.twilio.com"
    feeds: str = ""
    fema_url: str = "https://gis.fema.gov/arcgis/rest/services/NSS/OpenShelters/MapServer/0/query"
    nss_url: str = ""
    red_cross_url: str = ""
    nws_url: str = "https://api.weather.gov/alerts/active"
    alerts_from: Literal["Moderate", "Severe", "Extreme"] = "Severe"
    sms_per_second: PositiveFloat = 1
    telegram_per_second: PositiveFloat = 25
    former_secrets: list[SecretStr] = []
    api_keys: SecretStr | None = None
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["text", "json"] = "text"

    def database(self) -> str:
        """SQLAlchemy address of the database: the one that is set, else a SQLite file in the data folder."""
        if self.database_url and (url := self.database_url.get_secret_value()):
            return url
        return f"sqlite+aiosqlite:///{(self.data / 'faro.sqlite3').absolute()}"

    def key(self) -> bytes:
        """The key for hashing and signing: the one that is set, else one made on first start and kept in the data folder."""
        if self.secret and (given := self.secret.get_secret_value()):
            if len(given) < 32:
                raise SettingError("FARO_SECRET", f"has {len(given)} characters", "give it at least 32 random ones.")
            return given.encode()
        path = self.data / "secret"
        if not path.exists():
            self.data.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600)
            path.write_text(secrets.token_urlsafe(48))
        return path.read_text().strip().encode()

    def asked(self) -> frozenset[str]:
        """The feeds that are asked."""
        names = frozenset(name.strip() for name in self.feeds.split(",") if name.strip())
        if unknown := names - FEEDS.keys():
            raise SettingError("FARO_FEEDS", f"names {', '.join(sorted(unknown))}", f"name some of {', '.join(FEEDS)}, with commas.")
        if silent := sorted(name for name in names if not getattr(self, FEEDS[name])):
            raise SettingError(f"FARO_{FEEDS[silent[0]].upper()}", "is not set, and FARO_FEEDS names its feed", "set it to the address of the layer's query.")
        return names

    def proxies(self) -> list[IPv4Network | IPv6Network]:
        """The addresses or networks whose X-Forwarded-For is believed."""
        try:
            return [ip_network(one.strip(), strict=False) for one in self.trusted_proxies.split(",") if one.strip()]
        except ValueError:
            raise SettingError("FARO_TRUSTED_PROXIES", "holds something that is not an IP address", "write addresses or networks, with commas: 127.0.0.1, 10.0.0.0/8.") from None

    def keys_of_api(self) -> list[str]:
        """The keys that the public API wants one of; none, and it is open to all."""
        return [key.strip() for key in (self.api_keys.get_secret_value() if self.api_keys else "").split(",") if key.strip()]

    def telegram_webhook(self) -> bool:
        """Whether Telegram calls us (webhook) or we ask Telegram (polling)."""
        return (self.telegram_mode or ("webhook" if self.public_url else "polling")) == "webhook"


class Terminal(BaseSettings):
    """What is known of whoever types a command."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore")

    faro_lang: str = ""
    lc_all: str = ""
    lc_messages: str = ""
    lang: str = ""

    def language(self, arguments: Sequence[str]) -> Language:
        """The one after --lang, else FARO_LANG, else that of the terminal, as in es_MX.UTF-8."""
        given = next((after for before, after in pairwise(arguments) if before == "--lang"), "")
        given = given or next((one.removeprefix("--lang=") for one in arguments if one.startswith("--lang=")), "")
        named = given or self.faro_lang or self.lc_all or self.lc_messages or self.lang
        return "es" if named.lower().startswith("es") else "en"


def load_settings(**given: object) -> Settings:
    """The settings, or a SettingError that names the one that is wrong."""
    try:
        settings = Settings(**given)  # type: ignore[arg-type]
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        name = "FARO_" + "_".join(str(part) for part in first["loc"]).upper()
        raise SettingError(name, first["msg"], "mend it in the environment or in .env.") from None
    require_consistent(settings)
    return settings


def require_consistent(settings: Settings) -> None:
    """Refuse settings that would leave a door open to anyone or unable to answer."""
    settings.proxies()
    settings.asked()
    if settings.telegram_token and settings.telegram_mode == "webhook" and not settings.public_url:
        raise SettingError("FARO_PUBLIC_URL", "is not set, and Telegram's webhook needs it", "set it to this server's https address, or FARO_TELEGRAM_MODE=polling.")
    if settings.coordinators_chat and not settings.telegram_token:
        raise SettingError("FARO_TELEGRAM_TOKEN", "is not set, and the coordinators' chat is on Telegram", "set it, or leave FARO_COORDINATORS_CHAT out.")
    if settings.volunteers_chat and not settings.telegram_token:
        raise SettingError("FARO_TELEGRAM_TOKEN", "is not set, and the volunteers' group is on Telegram", "set it, or leave FARO_VOLUNTEERS_CHAT out.")
    if settings.twilio_account_sid and not (settings.twilio_auth_token and settings.twilio_auth_token.get_secret_value()):
        raise SettingError("FARO_TWILIO_AUTH_TOKEN", "is empty, so no signature could be checked", "copy it from the Twilio console.")
    if settings.twilio_auth_token and not settings.public_url:
        raise SettingError("FARO_PUBLIC_URL", "is not set, and Twilio signs the public address", "set it to the address Twilio calls, such as https://faro.example.org.")
