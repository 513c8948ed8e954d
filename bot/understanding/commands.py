"""Words that are orders, whole messages of them, in both languages; and numbers picked from a list."""

import re

from bot.understanding.normalise import folded

# Folded: no accents, no punctuation. One table for both languages, since people mix them.
COMMANDS: dict[str, tuple[str, ...]] = {
    "menu": ("menu", "help", "info", "ayuda", "options", "opciones", "main menu", "menu principal", "commands", "comandos", "help menu", "el menu", "inicio menu"),
    "language": ("english", "ingles", "in english", "en ingles", "espanol", "spanish", "en espanol", "in spanish", "espaniol", "language", "idioma", "english please", "espanol por favor"),
    "more": ("more", "mas", "next", "siguiente", "continue", "continuar", "sigue", "more please", "mas por favor", "read more", "ver mas", "show more"),
    "start": ("start", "unstop", "comenzar", "empezar", "iniciar", "alta", "join", "subscribe", "suscribir", "begin"),
    "stop": (
        "stop", "stopall", "stop all", "unsubscribe", "end", "quit", "cancel", "revoke", "optout", "opt out", "alto", "parar", "para", "basta", "cancelar", "baja", "salir",
        "stop texting me", "please stop", "stop please", "stop plz", "plz stop", "pls stop", "stop now", "no more texts", "no mas mensajes", "no mas", "ya no quiero mensajes", "no me escriban mas", "no me escriban", "dejen de escribirme",
        "darme de baja", "denme de baja", "take me off this list", "remove me", "quitar", "quitenme de la lista",
    ),
    "privacy": ("privacy", "privacidad", "delete", "borrar", "delete my data", "borrar mis datos", "delete me", "borrame", "eliminar", "eliminar mis datos", "forget me"),
    "human": ("human", "person", "persona", "operator", "operador", "operadora", "agent", "agente", "humano", "real person", "talk to a person", "hablar con una persona", "representative"),
    "county": ("county", "condado", "change county", "cambiar condado", "cambiar de condado", "my county", "mi condado"),
    "greeting": ("hi", "hello", "hey", "hola", "buenas", "buenos dias", "buenas tardes", "buenas noches", "good morning", "good afternoon", "good evening", "hi there", "hello there", "holi", "que tal", "ola"),
    "thanks": ("thanks", "thank you", "thx", "ty", "gracias", "muchas gracias", "thank u", "thanks so much", "mil gracias", "god bless", "dios los bendiga", "bye", "adios", "goodbye"),
    "feedback": ("feedback", "comentario", "comentarios", "queja", "sugerencia", "suggestion", "complaint"),
}  # fmt: skip
_BY_TEXT = {text: intent for intent, texts in COMMANDS.items() for text in texts}

# Carriers answer these themselves: Faro notes them and stays silent on SMS (CHANNELS: Twilio's default words).
CARRIER_STOP = frozenset({"stop", "stopall", "unsubscribe", "end", "quit", "cancel", "revoke", "optout"})
CARRIER_START = frozenset({"start", "yes", "unstop"})
# What is waited for after a STOP that the carrier took: the START that it takes, too.
BY_CARRIER = "carrier"
DELETE = frozenset({"delete", "borrar", "delete my data", "borrar mis datos", "delete me", "borrame", "eliminar", "eliminar mis datos", "forget me"})
# What ends a talk with a volunteer, in the middle of one.
DONE = frozenset({"done", "listo", "lista"})
NO = frozenset({"no", "nope", "nop", "nah", "nel", "no thanks", "no thank you", "no thx", "no gracias", "mejor no", "ahora no", "not now", "never mind", "nevermind"})
YES = frozenset({"yes", "y", "si", "sip", "ok", "sure", "claro", "dale", "yes please", "si por favor", "confirm", "confirmar"})

_NUMBERS = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "uno": 1, "dos": 2, "tres": 3, "cuatro": 4, "cinco": 5, "seis": 6, "siete": 7, "ocho": 8, "nueve": 9, "first": 1, "second": 2, "third": 3, "primero": 1, "primera": 1, "segundo": 2, "segunda": 2, "tercero": 3, "tercera": 3,
}  # fmt: skip
_PICK = re.compile(r"^(?:option |opcion |la |el |the |number |numero |no )?(\d{1,2}|[a-z]+)(?: one| please| por favor)?$")

_MAP = re.compile(r"^mapa? ?(\d{1,2})?$")


def command(text: str) -> str | None:
    """The intent that a whole message orders, or None."""
    return _BY_TEXT.get(folded(text.removeprefix("/")))


def map_asked(text: str) -> int | None:
    """The number of MAP 2 or MAPA 2, 1 where there is none; None of another message."""
    match = _MAP.match(folded(text))
    return int(match[1] or 1) if match else None


def picked(text: str) -> int | None:
    """The number, from 1, that a message picks from a list; or None."""
    match = _PICK.match(folded(text))
    if match is None:
        return None
    return int(match[1]) if match[1].isdigit() else _NUMBERS.get(match[1])
