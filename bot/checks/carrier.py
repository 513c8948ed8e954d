"""Words that carriers answer themselves: a text of ours that asks for one never gets the reply."""

import re
from collections.abc import Iterator

# What no text of ours tells a resident to send for anything but what the carrier does with it.
CARRIER_WORDS = re.compile(
    r"(?i:\b(?:reply|respond|answer|text|send|write|type|responda|conteste|mande|env[ií]e|escriba|textee|ponga|word|keyword|palabra))"
    r"(?:[\s:]+(?i:back|us|me|just|only|the|a|word|keyword|message|text|with|by|nos|solo|la|el|un|una|palabra|mensaje|texto|con|por|de))*"
    r"(?:[\s:]+[\"'“‘«]?[A-ZÁÉÍÓÚÑ]{2,}[\"'”’»]?,?\s+(?:or|and|o|y))?"
    r"[\s:]+(?:[\"'“‘«]?(HELP|INFO|END|CANCEL|STOP|START|YES|QUIT)\b|[\"'“‘«]((?i:help|info|end|cancel|stop|start|yes|quit))[\"'”’»])"
)
# What may follow: the number of another service; after STOP, what STOP does.
ELSEWHERE = re.compile(r"[\"'”’»]?\s*(?:(?:por|como|by|as an?|in an?)\s+(?:texto?|sms|message|mensaje)\s+)?(?:to|al?)\s*(?:\{|\d)")
OPTING_OUT = re.compile(r"[\"'”’»]?\s*(?:to (?:opt out|stop|end|unsubscribe|get no more)|para (?:no recibir|dejar de|darse de baja|parar|salir))")


def carrier_words(text: str, *, back: bool = False) -> list[str]:
    """What a text tells residents to send that the carrier would answer; `back`: START, to come back, is meant as the carrier does."""
    return [match[0] for match in carrier_matches(text, back=back)]


def carrier_matches(text: str, *, back: bool = False) -> Iterator[re.Match[str]]:
    for match in CARRIER_WORDS.finditer(text):
        word, rest = (match[1] or match[2]).upper(), text[match.end() :]
        meant = (word == "STOP" and OPTING_OUT.match(rest)) or (word == "START" and back)
        if not meant and not ELSEWHERE.match(rest):
            yield match
