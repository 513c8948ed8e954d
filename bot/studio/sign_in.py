"""Who works in the studio: signed links that expire, signed visits, and a mark on each form. No password is stored."""

import hmac
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from hashlib import sha256
from typing import Literal, get_args

from itsdangerous import BadData, URLSafeSerializer

Role = Literal["editor", "coordinator"]
ROLES: tuple[Role, ...] = get_args(Role)
LINK_LIFE, VISIT_LIFE = 3600, 12 * 3600


@dataclass(frozen=True, kw_only=True)
class Volunteer:
    """Somebody who was given a link. A coordinator may do all that an editor may."""

    name: str
    role: Role

    def may(self, role: Role) -> bool:
        return self.role == "coordinator" or role == "editor"


class SignIn:
    """Signs and reads links and visits with keys made of Faro's secret."""

    def __init__(self, secret: bytes, clock: Callable[[], datetime]) -> None:
        self._links = URLSafeSerializer(secret, salt="studio link")
        self._visits = URLSafeSerializer(secret, salt="studio visit")
        self._clock = clock
        self._secret = hmac.new(secret, b"studio forms", sha256).digest()

    def link(self, volunteer: Volunteer) -> str:
        """What stands behind ?key= of a link; good for an hour."""
        return self._written(self._links, volunteer)

    def enter(self, key: str) -> str | None:
        """The visit that a link opens, for the cookie; None when it is forged or too old."""
        volunteer = self._read(self._links, key, LINK_LIFE)
        return self._written(self._visits, volunteer) if volunteer else None

    def visitor(self, visit: str) -> Volunteer | None:
        return self._read(self._visits, visit, VISIT_LIFE)

    def mark(self, visit: str) -> str:
        """What every form of this visit carries, so that no other site can send it."""
        return hmac.new(self._secret, visit.encode(), sha256).hexdigest()

    def marked(self, visit: str, mark: str) -> bool:
        return hmac.compare_digest(self.mark(visit).encode(), mark.encode("utf-8", "replace"))

    def _written(self, serializer: URLSafeSerializer, volunteer: Volunteer) -> str:
        return str(serializer.dumps({**asdict(volunteer), "at": int(self._clock().timestamp())}))

    def _read(self, serializer: URLSafeSerializer, text: str, life: int) -> Volunteer | None:
        """Signed by us at a time that is no further than `life` away: before or after, lest a clock that is set back turn volunteers out."""
        try:
            data = serializer.loads(text)
            near = abs(self._clock().timestamp() - data["at"]) <= life
            return Volunteer(name=str(data["name"]), role=data["role"]) if near and data["role"] in ROLES else None
        except (BadData, KeyError, TypeError):
            return None
