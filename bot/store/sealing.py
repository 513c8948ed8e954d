"""What must be kept readable for a while (a message that is owed an answer, a number that asked for alerts) is kept encrypted."""

import hmac
from base64 import urlsafe_b64encode
from hashlib import sha256

from cryptography.fernet import Fernet, InvalidToken, MultiFernet


class Seal:
    """Fernet with keys made of Faro's secret. After a change of the secret, what the `former` ones sealed still opens."""

    def __init__(self, secret: bytes, former: tuple[bytes, ...] = ()) -> None:
        self._fernet = MultiFernet([Fernet(urlsafe_b64encode(hmac.new(s, b"sealed at rest", sha256).digest())) for s in (secret, *former)])

    def close(self, text: str) -> bytes:
        return self._fernet.encrypt(text.encode("utf-8", "surrogatepass"))

    def open(self, sealed: bytes) -> str | None:
        """The text; None when it was sealed with a secret that is gone."""
        try:
            return self._fernet.decrypt(sealed).decode("utf-8", "surrogatepass")
        except InvalidToken:
            return None
