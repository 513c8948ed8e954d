"""Does a message say that someone may die, be hurt or be abused? Words that always say so, then the model.

The words work without any model or content, so that the crisis answer outlives both.
"""

import re
from dataclasses import dataclass

from bot.messages import CrisisKind, CrisisLevel
from bot.understanding.commands import NO
from bot.understanding.normalise import folded, unaccented, words

CALM = "calm"
# Probability of the three kinds together from which the model alone decides; words that always say so need less (docs/understanding.md).
NOW_FROM = 0.6
MAYBE_FROM = 0.01
# A word or two are too little for the model to silence everything else: then the crisis line only stands before the answer.
FEWEST_WORDS = 3
# Words that always say so are believed, unless the model takes them for an idiom.
IDIOM_BELOW = 0.0002

WORDS: dict[CrisisKind, str] = {
    CrisisKind.SUICIDE: r"""
        \b(kill|killing|unalive|hang|shoot|hurt|hurting|harm|harming|cut|cutting)\s+my\s?se?lf\b | \bkms\b | \bend(ing)?\s+my\s+life\b | \btak(e|ing)\s+my\s+(own\s+)?life\b
      | \b(want|wanna|going|gonna|ready|wish\s+i\s+could|rather|prefer)\s+(to\s+)?(die|be\s+dead)\b | \bi\s+(feel\s+|am\s+)?suicidal\b | \b(commit|committing)\s+suicide\b
      | \b(dont|don't|do\s+not)\s+want\s+to\s+(live|be\s+alive|exist|wake\s+up)\b | \bbetter\s+off\s+(dead|without\s+me)\b | \bno\s+reason\s+to\s+(live|be\s+alive)\b
      | \b(me\s+)?quiero\s+(ya\s+)?morir(me)?\b(?!\s+de) | \b(voy\s+a|quiero|quisiera|pienso|penso|ganas\s+de)\s+(matarme|suicidarme|quitarme\s+la\s+vida|acabar\s+con\s+mi\s+vida|morirme)\b(?!\s+de)
      | \bno\s+quiero\s+(ya\s+)?(seguir\s+)?(viviendo|vivir)\s*($|[.,!]|mas|asi) | \bquitarme\s+la\s+vida\b | \bhacerme\s+dano\b | \bcortarme\s+las\s+venas\b""",
    CrisisKind.DANGER: r"""
        \b(took|taken|swallowed|drank|ate)\s+(too\s+many|a\s+lot\s+of|a\s+bunch\s+of|all\s+(of\s+)?(my|the|his|her))\s+\w*\s*(pills|meds|medicine|tablets|bleach)\b
      | \b(tome|tomo|se\s+tomo|trago|me\s+tome)\s+(muchas|todas|demasiadas)\s+(las\s+|mis\s+|sus\s+)?(pastillas|pildoras|medicinas)\b | \b(someone|somebody|people|he|she|they|we)('s|\s+is|\s+are|re)\s+trapped\b
      | \b(hay\s+)?(alguien|gente|personas|ninos|una\s+persona|un\s+hombre|una\s+mujer)\s+atrapad[oa]s?\b | \b(estoy|esta|estan|quede|quedaron)\s+atrapad[oa]s?\s+(en|bajo|debajo|dentro|adentro)\b
      | \b(cant|can't|cannot|not|isnt|isn't|stopped)\s+breath(e|ing)\b | \bno\s+(puede?o?\s+)?respira(r)?\b | \b(overdosed|overdosing|od'?d)\b | \bsobredosis\b
      | \b(trapped|stuck)\s+(in|on|under|inside)\s+(the\s+|my\s+|our\s+|a\s+)?(attic|roof|car|house|basement|rubble|water|flood|mud|tree)\b | \bestamos?\s+atrapad[oa]s?\b | \bwater\s+(is\s+|keeps\s+)?(rising|coming\s+in)\b
      | \b(house|home|trailer|building|kitchen|apartment)\s+is\s+on\s+fire\b | \bse\s+(esta\s+)?(quema(ndo)?|incendia(ndo)?)\s+(la|mi|nuestra)\s+(casa|traila|cocina)\b | \bactive\s+shooter\b | \bshots\s+fired\b
      | \b(there('?s|\s+is)|hay|we\s+have|see)\s+((an?|un|una|the)\s+)?(active\s+|mass\s+)?(shooter|gunman|tirador|pistolero|hombre\s+armado|(man|guy|kid)\s+with\s+a\s+gun)\b
      | \b(shooting|disparando|tirando\s+balazos)\s+(right\s+now|at\s+us|ahora|ahorita|aqui)\b | \bestan\s+(disparando|tirando)\b | \b(nos|me)\s+estan\s+disparando\b
      | \b(flood\w*|water|fire|smoke|burning)\b.{0,40}\b(can\s?'?not|can'?t|couldn'?t)\s+get\s+out\b | \b(can\s?'?not|can'?t)\s+get\s+out\b.{0,40}\b(flood\w*|water|fire|smoke|burning)\b
      | \b(inund\w*|agua|fuego|humo|incendi\w*)\b.{0,40}\bno\s+(puedo|podemos|puede|pueden)\s+salir\b | \bno\s+(puedo|podemos|puede|pueden)\s+salir\b.{0,40}\b(inund\w*|agua|fuego|humo|incendi\w*)\b
      | \bsmell(s|ing)?\s+(of\s+|like\s+|natural\s+)?gas\b | \bgas\s+(is\s+)?leak(ing)?\b | \bhuele\s+(mucho\s+)?a\s+gas\b | \bfuga\s+de\s+gas\b
      | \b(shot|hanged|hung|stabbed)\s+(him|her)self\b(?!.*\b(ago|last|years?|months?)\b) | \bse\s+(disparo|ahorco|dio\s+un\s+(tiro|balazo)|corto\s+las\s+venas)\b(?!.*\b(hace|anos?|meses)\b)
      | ^(?!.*\b(ago|last|years?|months?|hace|anos?|meses|dogs?|cats?|horses?|cows?|goats?|perr[oa]s?|gat[oa]s?|caballos?|vacas?)\b).*(
          \b(snake|rattler|rattlesnake|copperhead|cottonmouth|moccasin)s?\s+(just\s+)?(bit|bites?|has\s+bitten)\b | \bsnakebit(e|ten)?\b
        | \b(bit|bitten|bite)\s+(\w+\s+){0,3}(snake|rattler|rattlesnake|copperhead|cottonmouth|moccasin)\b | \b(vibora|culebra|serpiente|cascabel)\s+(me\s+|lo\s+|la\s+|le\s+)?(mordi|pic)\w+
        | \b(mordi|picad|pico)\w*\s+(\w+\s+){0,3}(vibora|culebra|serpiente|cascabel)\b)
      | \bgenerator\b.{0,60}\b(dizzy|headaches?|getting\s+sick|pass(ed|ing)\s+out|fainted|throwing\s+up)\b | \bgenerador\b.{0,60}\b(marea\w*|dolor\s+de\s+cabeza|vomit\w*|desmay\w*)\b | \b(getting\s+sick|dizzy)\b.{0,40}\bgenerator\b
      | \b(esta|estan|estamos)\s+ahogando(se|nos)?\b | \b(is|are|am)\s+drowning\b(?!\s+in\s+(debt|paper|bills|work|forms)) | \bse\s+(esta\s+)?desangra(ndo)?\b | \bbleeding\s+out\b | \bheart\s+attack\b""",
    CrisisKind.ABUSE: r"""
        \b(he|she|husband|boyfriend|wife|dad|father|mom|stepdad|partner|uncle|man|ex)\s+(just\s+|always\s+|keeps\s+)?(hit|hits|hitting|beat|beats|beating|chok(ed|es|ing)|raped|molest(ed|s)|hurts)\s+(me|my|us|her|him)\b | \bi\s+was\s+raped\b | \b(raped|molested)\s+me\b
      | \bdomestic\s+(violence|abuse)\b | \b(child|sexual|elder)\s+abuse\b | \bsexually\s+assaulted\b | \bme\s+(pega|pego|golpea|golpeo|violo|violaron|ahorco|maltrata|abuso)\b | \b(nos|le|la)\s+(pega|golpea|violo)\b
      | \bviolencia\s+(domestica|familiar|intrafamiliar)\b | \babuso\s+(sexual|infantil)\b | \bthreatened\s+to\s+kill\s+(me|us)\b | \bamenaza\s+con\s+matar(me|nos)\b""",
}  # fmt: skip
_WORDS = {kind: re.compile(pattern, re.VERBOSE) for kind, pattern in WORDS.items()}

# What takes the sting out of the words above: denial, idiom, the past.
_NOT_MEANT = re.compile(
    r"\b(not|never|isnt|isn't|arent|aren't|no\s+estoy|no\s+soy|nobody|no\s+one|nadie)\s+(is\s+|am\s+|was\s+|feeling\s+)?(suicid|going\s+to\s+(kill|hurt)|hurt|trapped|quier)"
    r"|\b(dont|don't|do\s+not)\s+(want|wanna|plan|intend)\s+to\s+(die|kill|hurt|end)|\bno\s+(me\s+)?quiero\s+(morir|matar|hacer)|\b(dying|die|died|morir(me)?|muero|muriendo)\s+(of|de)\s+(laugh|hunger|boredom|curiosity|risa|hambre|sed|frio|calor|sueno|ganas|pena|verguenza|aburrimiento)"
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Crisis:
    kind: CrisisKind
    level: CrisisLevel


def by_words(text: str) -> CrisisKind | None:
    """The kind that the words alone say, the gravest first; None when they are denied or an idiom."""
    plain = unaccented(text)
    if _NOT_MEANT.search(plain):
        return None
    return next((kind for kind, pattern in _WORDS.items() if pattern.search(plain)), None)


def judge(text: str, probabilities: dict[str, float] | None, mended: str = "") -> Crisis | None:
    """Words and model together. `probabilities` are those of the three kinds and CALM, None when there is no model; `mended` is the text with its spelling mended."""
    said = by_words(text) or (by_words(mended) if mended != text else None)
    if probabilities is None:
        return Crisis(kind=said, level=CrisisLevel.NOW) if said else None
    kinds = {kind: probabilities.get(f"crisis-{kind}", 0.0) for kind in CrisisKind}
    likeliest = max(kinds, key=kinds.__getitem__)
    alarm = sum(kinds.values())
    if said:
        level = CrisisLevel.NOW if alarm >= IDIOM_BELOW else CrisisLevel.MAYBE
        return Crisis(kind=likeliest if kinds[likeliest] >= NOW_FROM else said, level=level)
    if alarm >= NOW_FROM and len(words(text)) >= FEWEST_WORDS:
        return Crisis(kind=likeliest, level=CrisisLevel.NOW)
    if alarm >= MAYBE_FROM and folded(text) not in NO:
        return Crisis(kind=likeliest, level=CrisisLevel.MAYBE)
    return None
