"""Who works in the studio: signed links that expire, signed visits, and a mark on each form. No password is stored."""

import hmac
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Literal, get_args

from itsdangerous import BadData, URLSafeTimedSerializer

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

    def __init__(self, secret: bytes) -> None:
        self._links = URLSafeTimedSerializer(secret, salt="studio link")
        self._visits = URLSafeTimedSerializer(secret, salt="studio visit")
        self._secret = hmac.new(secret, b"studio forms", sha256).digest()

    def link(self, volunteer: Volunteer) -> str:
        """What stands behind ?key= of a link; good for an hour."""
        return str(self._links.dumps(asdict(volunteer)))

    def enter(self, key: str) -> str | None:
        """The visit that a link opens, for the cookie; None when it is forged or too old."""
        volunteer = self._read(self._links, key, LINK_LIFE)
        return str(self._visits.dumps(asdict(volunteer))) if volunteer else None

    def visitor(self, visit: str) -> Volunteer | None:
        return self._read(self._visits, visit, VISIT_LIFE)

    def mark(self, visit: str) -> str:
        """What every form of this visit carries, so that no other site can send it."""
        return hmac.new(self._secret, visit.encode(), sha256).hexdigest()

    def marked(self, visit: str, mark: str) -> bool:
        return hmac.compare_digest(self.mark(visit).encode(), mark.encode("utf-8", "replace"))

    @staticmethod
    def _read(serializer: URLSafeTimedSerializer, text: str, life: int) -> Volunteer | None:
        try:
            data = serializer.loads(text, max_age=life)
            return Volunteer(name=str(data["name"]), role=data["role"]) if data["role"] in ROLES else None
        except (BadData, KeyError, TypeError):
            return None
