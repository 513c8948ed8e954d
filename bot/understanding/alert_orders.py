"""What an order about alerts says: ALERTS BUNCOMBE, ALERTAS ALTO, 'sign me up for weather alerts', 'ya no quiero alertas'."""

import re

from bot.understanding.normalise import folded
from bot.understanding.understander import says_something

SINGLE = frozenset({"alert", "alerta"})
ALERTS = SINGLE | {"alerts", "alertas", "alets", "alrts", "allerts", "alertz", "allertas"}
ENDS = frozenset(
    (
        "stop off out end cancel quit unsubscribe remove delete disable "
        "alto parar pare paren fin cancelar cancela cancele cancelen quitar quita quite quiten quitenme quiteme terminar termine desactivar desactiva detener apagar baja dejar dejen borrar eliminar salir salirme"
    ).split()
)
# What stands around ALERTS when they are ordered; and around ALERT, which is a word of many questions, too.
AROUND = frozenset(
    (
        "how do can could sign signup me up for the to i id want would like send give get getting receive text texts message messages sms us our about on turn start subscribe join enroll begin add put "
        "weather emergency severe all more new again this these those phone number with list opt by yes ok faro and or "
        "como puedo podria hago deseo quisiera recibir manden mande mandeme mandenme mandarme mandar envien envie envieme enviar enviarme suscribirme suscribir suscribame inscribirme inscribir "
        "inscribame apuntarme apuntar apunteme apuntenme registrarme activar activa prender poner pongame darme deme denme que se le me mis nos para por a al tiempo clima emergencia meteorologicas mas nuevas "
        "todas todos las los estas esas otra otras vez con ya si lista y e o"
    ).split()
)
AROUND_ONE = frozenset({"me", "for", "para", "and", "y"})
# 'No, quiero alertas' wants them.
_NO_FIRST = re.compile(r"^\W*no\s*[,.;:!]+", re.IGNORECASE)
_NONE_WANTED = re.compile(r"\bno (?:(?:more|mas|quiero|deseo|recibir|las|los|me|manden) )*alert|alert\w* no(?:$| more\b| mas\b)")
_NOT = re.compile(r"\b(?:not|dont|never)\b")
_KEPT = re.compile(rf"\b(?:no|not|dont|never) (?:{'|'.join(sorted(ENDS))})\b")
# Who asks for an end of more than alerts is taken at their word.
_OF_ALL = re.compile(r"\b(?:messages?|texts?|msgs?|sms|mensajes?) (?:and|y|ni)\b|\b(?:and|y|ni) (?:all |the |los |todos |sus )*(?:messages?|texts?|msgs?|sms|mensajes?)\b|\beverything\b|\btodo\b")
# 'ALERTS Atlantis': so many words that are no place may follow.
_LONGEST_PLACE = 3


def alerts_order(text: str, guess: str, *, placed: bool = False) -> str | None:
    """'alerts' or 'alerts-end' of a text without its places; None when it orders neither. `guess`: the intent that it was understood as; `placed`: a county was named.

    Nothing is ended by a negation that is not understood ('no dejen de mandarme alertas'): then Faro shows what is on.
    """
    words = folded(_NO_FIRST.sub("", text))
    said = words.split()
    named = ALERTS.intersection(said)
    if not named:
        return None
    single, kept = named <= SINGLE, _KEPT.search(words)
    known = ALERTS | ENDS | (AROUND_ONE if single else AROUND)
    plain = not (kept or _NOT.search(words)) and (said[0] in named or not single)
    if plain and not says_something(" ".join(w for w in said if w not in known)):
        order: str | None = "alerts-end" if ENDS.intersection(said) or _NONE_WANTED.search(words) else "alerts"
    elif placed and not single and said[0] in named and len(said) <= 1 + _LONGEST_PLACE:
        order = "alerts"  # 'alerts mitchell and Yancey': Mitchell may also be somebody's name
    else:
        order = "alerts" if guess == "start" or (guess == "stop" and kept) else "alerts-end" if guess == "stop" else None
    return None if order == "alerts-end" and _OF_ALL.search(words) else order


def alerts_nowhere(text: str) -> bool:
    """ALERTS and a few words that are no place."""
    first, *rest = folded(text).split() or [""]
    return first in ALERTS and 0 < len(rest) <= _LONGEST_PLACE
