"""Why a text got its answer, in sentences for a volunteer."""

from collections.abc import Callable, Iterator

from bot.messages import CrisisLevel, Language
from bot.understanding.crisis import MAYBE_FROM, NOW_FROM
from bot.understanding.topics import ANSWER_FROM, OFFER_BELOW, ORDER_FROM, ORDERS, Decision
from bot.understanding.understander import Explanation
from bot.wording.catalog import Words

Title = Callable[[str], str]


def percent(share: float) -> str:
    """'98 %', and '0.4 %' where that matters."""
    return f"{100 * share:.0f} %" if share >= 0.1 or share < 0.0005 else f"{100 * share:.1f} %"


def told(why: Explanation, words: Words, language: Language, title: Title) -> list[str]:
    """What was read, whether it is a crisis, what was decided and by which limits, what came second. `title` names an intent."""
    return [*_read(why, words, language), *_crisis(why, words, language), *_decided(why, words, language, title), *_second(why, words, language, title)]


def _read(why: Explanation, words: Words, language: Language) -> Iterator[str]:
    u = why.understood
    tongue = words.say(f"volunteer.tongue.{u.language}", language)
    yield words.say("volunteer.explain.language" if u.language_sure else "volunteer.explain.language_unsure", language, language=tongue)
    places = ", ".join(dict.fromkeys(mention.name for mention in u.found.mentions))
    if u.found.county:
        yield words.say("volunteer.explain.place", language, places=places, county=u.found.county)
    elif u.found.counties:
        yield words.say("volunteer.explain.place_many", language, places=places, counties=words.listing(u.found.counties, language))
    elif places:
        yield words.say("volunteer.explain.place_elsewhere", language, places=places)
    mended = [f"{before} -> {after}" for before, after in zip(why.written.split(), why.read_as.split(), strict=False) if before != after]
    if mended:
        yield words.say("volunteer.explain.spelling", language, mended=", ".join(mended))


def _crisis(why: Explanation, words: Words, language: Language) -> Iterator[str]:
    crisis = why.understood.crisis
    if crisis is None:
        return
    kind = words.say(f"volunteer.crisis.{crisis.kind}", language)
    if why.crisis_words:
        yield words.say("volunteer.explain.crisis_words", language, kind=kind, alarm=percent(why.alarm))
    else:
        yield words.say("volunteer.explain.crisis_model", language, kind=kind, alarm=percent(why.alarm), maybe=percent(MAYBE_FROM), now=percent(NOW_FROM))
    yield words.say("volunteer.explain.crisis_now" if crisis.level is CrisisLevel.NOW else "volunteer.explain.crisis_maybe", language)


def _decided(why: Explanation, words: Words, language: Language, title: Title) -> Iterator[str]:
    u = why.understood
    doubt, offer, refuse = percent(why.doubt), percent(OFFER_BELOW * why.refuse_from), percent(why.refuse_from)
    if u.ordered:
        yield words.say("volunteer.explain.ordered", language, title=title(u.intent))
        return
    if why.place_alone:
        yield words.say("volunteer.explain.place_alone", language)
        return
    if not why.read_as.strip() or not u.alternatives:
        yield words.say("volunteer.explain.empty", language)
        return
    if u.decision is Decision.CRISIS:
        return
    best = u.alternatives[0]
    need = ORDER_FROM if best.intent in ORDERS else ANSWER_FROM
    facts = {"title": title(best.intent), "score": percent(best.score), "need": percent(need), "doubt": doubt, "offer": offer, "refuse": refuse}
    if why.exact:
        yield words.say("volunteer.explain.exact", language)
    if u.decision is Decision.ANSWER:
        yield words.say("volunteer.explain.answer", language, **facts)
    elif u.decision is Decision.NONE:
        yield words.say("volunteer.explain.none", language, **facts)
    else:
        yield words.say("volunteer.explain.offer_unsure" if best.score < need else "volunteer.explain.offer_doubt", language, **facts)


def _second(why: Explanation, words: Words, language: Language, title: Title) -> Iterator[str]:
    u = why.understood
    if u.also:
        yield words.say("volunteer.explain.also", language, title=title(u.also), first=title(u.intent))
    if len(u.alternatives) > 1 and u.alternatives[1].score > 0:
        yield words.say("volunteer.explain.second", language, title=title(u.alternatives[1].intent), score=percent(u.alternatives[1].score))
    if not u.ordered and not why.place_alone and u.decision is not Decision.CRISIS:
        yield words.say("volunteer.explain.mend", language)
