"""`faro match`: JSON lines in, what was understood out, one line each."""

import json
from collections.abc import Iterator
from typing import IO, Any

from bot.geo.tables import Gazetteer
from bot.messages import LANGUAGES
from bot.understanding.understander import Understander, Understanding


def match_lines(lines: IO[str], understander: Understander, gazetteer: Gazetteer) -> Iterator[str]:
    """One JSON line for each line read, streamed. A line that is no JSON object gives {"error": ...}."""
    for line in lines:
        if not line.strip():
            continue
        try:
            asked = json.loads(line)
            text, language, county = asked["text"], asked.get("language"), asked.get("county")
        except (ValueError, KeyError, TypeError, AttributeError):
            yield json.dumps({"error": 'each line is a JSON object such as {"text": "...", "language": null, "county": null}'})
            continue
        known = gazetteer.county_named(county) if isinstance(county, str) else None
        understood = understander.understand(text if isinstance(text, str) else "", language if language in LANGUAGES else None)
        yield json.dumps(as_json(text, understood, known), ensure_ascii=False)


def as_json(text: Any, u: Understanding, known_county: str | None) -> dict[str, Any]:
    """The fields of the contract in the design, in its order."""
    return {
        "text": text,
        "language": u.language,
        "decision": u.decision.value,
        "intent": u.intent,
        "score": round(u.score, 4),
        "alternatives": [{"intent": s.intent, "score": round(s.score, 4)} for s in u.alternatives],
        "county": u.found.county or (None if u.found.options else known_county),
        "counties": list(u.found.counties),
        "crisis": {"kind": u.crisis.kind.value, "level": u.crisis.level.value} if u.crisis else None,
    }
