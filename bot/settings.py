"""Settings, read once from the environment and `.env`; secrets never print."""

import secrets
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Literal

from pydantic import SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from bot.errors import SettingError

ROOT = Path(__file__).resolve().parent.parent


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
    telegram_token: SecretStr | None = None
    telegram_mode: Literal["polling", "webhook"] | None = None
    telegram_secret: SecretStr | None = None
    telegram_api_url: str = "https://api.telegram.org"
    twilio_account_sid: str = ""
    twilio_auth_token: SecretStr | None = None
    twilio_subaccount_tokens: dict[str, SecretStr] = {}
    twilio_from: str = ""
    twilio_messaging_service_sid: str = ""
    twilio_api_url: str = "https://api.twilio.com"
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

    def proxies(self) -> list[IPv4Network | IPv6Network]:
        """The addresses or networks whose X-Forwarded-For is believed."""
        try:
            return [ip_network(one.strip(), strict=False) for one in self.trusted_proxies.split(",") if one.strip()]
        except ValueError:
            raise SettingError("FARO_TRUSTED_PROXIES", "holds something that is not an IP address", "write addresses or networks, with commas: 127.0.0.1, 10.0.0.0/8.") from None

    def telegram_webhook(self) -> bool:
        """Whether Telegram calls us (webhook) or we ask Telegram (polling)."""
        return (self.telegram_mode or ("webhook" if self.public_url else "polling")) == "webhook"


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
    if settings.telegram_token and settings.telegram_mode == "webhook" and not settings.public_url:
        raise SettingError("FARO_PUBLIC_URL", "is not set, and Telegram's webhook needs it", "set it to this server's https address, or FARO_TELEGRAM_MODE=polling.")
    if settings.twilio_account_sid and not (settings.twilio_auth_token and settings.twilio_auth_token.get_secret_value()):
        raise SettingError("FARO_TWILIO_AUTH_TOKEN", "is empty, so no signature could be checked", "copy it from the Twilio console.")
    if settings.twilio_auth_token and not settings.public_url:
        raise SettingError("FARO_PUBLIC_URL", "is not set, and Twilio signs the public address", "set it to the address Twilio calls, such as https://faro.example.org.")
