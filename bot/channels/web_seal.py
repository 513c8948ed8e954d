"""What the web door gives into the browser's keeping and knows again: who somebody is, and the conversation so far."""

import base64
import hmac
import json
from hashlib import sha256
from typing import Any

LONGEST_TRANSCRIPT = 40_000


class Seal:
    """Signs sessions and transcripts. A session is a random id with our signature; it says nothing of the person and lives in their browser only."""

    def __init__(self, secret: bytes) -> None:
        self._secret = hmac.new(secret, b"web session", sha256).digest()

    def newcomer(self, message_id: str) -> str:
        """A person made of their first message's id, so that the same message sent again is the same person's."""
        return self._mark(f"new:{message_id}")

    def session(self, person: str) -> str:
        return f"{person}.{self._mark(person)}"

    def person(self, session: str | None) -> str | None:
        """The person of a session that we signed."""
        given, _, signature = (session or "").partition(".")
        return given if given and self._is_ours(given, signature) else None

    def sealed(self, turns: list[dict[str, Any]]) -> str:
        """The conversation so far, signed; without its beginning when it is long."""
        while turns and len(json.dumps(turns)) > LONGEST_TRANSCRIPT:
            turns = turns[2:]
        data = json.dumps(turns)
        return f"{self._mark(data)}.{data}"

    def opened(self, sealed: str) -> list[dict[str, Any]]:
        """The conversation that we signed; nothing of one that we did not."""
        mark, _, data = sealed.partition(".")
        if not data or not self._is_ours(data, mark):
            return []
        turns: list[dict[str, Any]] = json.loads(data)
        return turns

    def _is_ours(self, text: str, mark: str) -> bool:
        return hmac.compare_digest(mark.encode("utf-8", "replace"), self._mark(text).encode())

    def _mark(self, text: str) -> str:
        return base64.urlsafe_b64encode(hmac.new(self._secret, text.encode("utf-8", "replace"), sha256).digest()[:18]).decode()
