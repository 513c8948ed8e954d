"""What a message means: commands, crisis, places, language and topic, each asked in turn; the text is not kept."""

import os
from contextlib import suppress
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from importlib import import_module
from pathlib import Path

import numpy as np
from rapidfuzz import fuzz, process

from bot.geo.tables import Gazetteer
from bot.geo.text import Found, PlaceFinder
from bot.library.pages import CRISIS, NONE, Library, Question
from bot.messages import CrisisKind, CrisisLevel, Language
from bot.understanding.commands import command
from bot.understanding.crisis import Crisis, by_words, judge
from bot.understanding.encoder import Encoder
from bot.understanding.language import Heard, LanguageEar, counted
from bot.understanding.model import Models, load_models, save_models
from bot.understanding.normalise import clean, folded
from bot.understanding.notebook import Notebook, Progress, no_progress
from bot.understanding.spelling import Speller
from bot.understanding.topics import Decision, Scored, borne_out, decide, in_order, ranking, trusted
from bot.understanding.weighing import Scales, Weighed

# Raised by hand whenever a model that was kept on disk would no longer fit this code.
MODEL_VERSION = 7
OFFERED = 3
MOST_REMEMBERED = 5_000

# Words around a place that ask nothing: 'no, I meant the town of ...', 'y que tal en ...'.
ABOUT_A_PLACE = frozenset(
    (
        "in en de the of el la los las nc county condado town city pueblo ciudad i im am live vivo estoy aqui here near cerca at from soy please por favor mi "
        "my is es del area zip code codigo postal and y it its no not meant mean what about how now then sorry also perdon quise quiero decir digo pero ahora "
        "entonces tambien"
    ).split()
)


@dataclass(frozen=True, kw_only=True)
class Understanding:
    """What was read in one message. Holds no text of it."""

    language: Language
    language_sure: bool = False
    decision: Decision = Decision.NONE
    intent: str = NONE
    score: float = 0.0
    alternatives: tuple[Scored, ...] = ()
    found: Found = field(default=Found(), repr=False)
    crisis: Crisis | None = None
    ordered: bool = False
    also: str | None = None

    @property
    def only_a_place(self) -> bool:
        """The message names a place and says nothing else."""
        return self.intent == "county" and bool(self.found.mentions)


@dataclass(frozen=True, kw_only=True)
class Begun:
    """A message before the models have seen it: as it was written, and as it is put to them, without its places and with its spelling mended."""

    text: str = field(repr=False)
    asked: str = field(repr=False)
    heard: Heard
    found: Found = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """Why a text was understood as it was, for the person who asks; never kept."""

    understood: Understanding
    layers: dict[str, Scored]
    closest: tuple[Scored, ...]
    closest_texts: tuple[str, ...]
    read_as: str = field(repr=False)
    written: str = field(repr=False)  # without its places, before its spelling is mended
    place_alone: bool
    exact: bool  # word for word a phrase of the content
    doubt: float  # the share of `none` beside the best intent
    refuse_from: float
    crisis_words: CrisisKind | None
    alarm: float  # the crisis model's three kinds together


class Understander:
    """Reads messages with models learnt from one reading of the library. Built in a second or so when they are on disk."""

    def __init__(self, library: Library, models: Models, finder: PlaceFinder, ear: LanguageEar, speller: Speller, encoder: Encoder) -> None:
        self._intents = frozenset(library.intents)
        self._offerable = [Scored(intent=i, score=0.0) for i in sorted(self._intents) if i not in CRISIS]
        self._memory: dict[bytes, Understanding] = {}
        self._salt = os.urandom(16)
        self._models = models
        self._finder = finder
        self._ear = ear
        self._speller = speller
        self._scales = Scales(models, encoder)
        self._library = library

    def understand(self, text: str, usual: Language | None = None) -> Understanding:
        """The meaning of one message; `usual` is the person's language, for messages that do not show one.

        What many people write (MENU, 'refugio', a ZIP) is remembered, by a hash of it, until the content changes.
        """
        key = self._key(text, usual)
        if known := self._memory.get(key):
            return known
        begun = self._begun(clean(text), usual)
        return self._remembered(key, self._concluded(begun, self._scales.weigh([begun.asked])[0]) if isinstance(begun, Begun) else begun)

    async def understand_soon(self, text: str, usual: Language | None = None) -> Understanding:
        """The same while others wait for theirs: their texts are weighed together."""
        key = self._key(text, usual)
        if known := self._memory.get(key):
            return known
        begun = self._begun(clean(text), usual)
        return self._remembered(key, self._concluded(begun, await self._scales.weigh_soon(begun.asked)) if isinstance(begun, Begun) else begun)

    def _key(self, text: str, usual: Language | None) -> bytes:
        return blake2b(f"{usual}\0{text}".encode("utf-8", "replace"), digest_size=16, key=self._salt).digest()

    def _remembered(self, key: bytes, understood: Understanding) -> Understanding:
        if len(self._memory) >= MOST_REMEMBERED:
            self._memory.clear()
        self._memory[key] = understood
        return understood

    def _begun(self, text: str, usual: Language | None) -> Begun | Understanding:
        """What is seen without the models: all of it for orders and for bare places."""
        heard = self._ear.hear(text, usual)
        ordered = command(text)
        if ordered in self._intents:
            return Understanding(
                language=heard.language,
                language_sure=heard.sure,
                decision=Decision.ANSWER,
                intent=ordered,
                score=1.0,
                alternatives=self._padded([Scored(intent=ordered, score=1.0)]),
                ordered=True,
            )
        if not any(c.isalnum() for c in text):
            return Understanding(language=heard.language, alternatives=self._padded([]))
        found = self._finder.find(text)
        asked = found.without(text)
        if found.mentions or found.outside:
            heard = self._ear.hear(asked, usual)
        if found.outside and not says_something(asked):
            return Understanding(language=heard.language, language_sure=heard.sure, alternatives=self._padded([]), found=found)
        if found.mentions and not says_something(asked):
            return self._place_alone(heard.language, heard.sure, found)
        return Begun(text=text, asked=self._speller.mend(asked, heard.language), heard=heard, found=found)

    def _concluded(self, begun: Begun, weighed: Weighed) -> Understanding:
        text, asked, heard, found = begun.text, begun.asked, begun.heard, begun.found
        crisis = judge(text, weighed.crisis, asked)
        scores = self._scores(asked, weighed)
        ranked = trusted(text, ranking(scores))
        if crisis:
            ranked = [s for s in ranked if s.intent != "stop"]
        decision = decide(ranked, scores.get(NONE, 0.0), self._models.refuse_from)
        if decision is Decision.ANSWER and not borne_out(ranked[0].intent, text):
            decision = Decision.CLARIFY
        base = Understanding(language=heard.language, language_sure=heard.sure, found=found, crisis=crisis, alternatives=self._padded(ranked))
        if crisis and crisis.level is CrisisLevel.NOW:
            return replace(base, decision=Decision.CRISIS, intent=f"crisis-{crisis.kind}", score=1.0)
        if decision is Decision.NONE:
            return replace(base, decision=decision, intent=NONE, score=scores.get(NONE, 0.0))
        first, second = in_order(asked, ranked) if decision is Decision.ANSWER else (ranked[0], None)
        return replace(base, decision=decision, intent=first.intent, score=first.score, also=second.intent if second else None)

    def _scores(self, asked: str, weighed: Weighed) -> dict[str, float]:
        """The probability of every intent; what is word for word a phrase of the content is near certain."""
        scores = weighed.topics
        if exact := self._models.phrases.get(folded(asked)):
            scores = {intent: 0.02 * score + (0.98 if intent == exact else 0.0) for intent, score in scores.items()}
        return scores

    def explain(self, text: str) -> Explanation:
        """Why a text is understood as it is: each model's best, and the nearest of the content's own questions."""
        understood = self.understand(text)
        written = understood.found.without(clean(text))
        asked = self._speller.mend(written, understood.language)
        model, rows = self._models.topics, self._scales.rows([asked])
        views, (weighed,) = model.views(rows), self._scales.weigh_rows(rows)
        none, best = self._scores(asked, weighed).get(NONE, 0.0), understood.alternatives[0].score if understood.alternatives else 0.0
        alarm = weighed.crisis or {}
        layers = {view: Scored(intent=model.labels[int(logs[0].argmax())], score=float(np.exp(logs[0].max()))) for view, logs in views.items()}
        near = process.extract(folded(asked), [folded(q.text) for q in self._library.questions], scorer=fuzz.token_sort_ratio, limit=3)
        closest = tuple(Scored(intent=self._library.questions[at].intent, score=score / 100) for _, score, at in near)
        return Explanation(
            understood=understood,
            layers=layers,
            closest=closest,
            closest_texts=tuple(question for question, _, _ in near),
            read_as=asked,
            written=written,
            place_alone=bool(understood.found.mentions) and not says_something(written),
            exact=folded(asked) in self._models.phrases,
            doubt=none / (none + best) if none + best else 1.0,
            refuse_from=self._models.refuse_from,
            crisis_words=by_words(clean(text)) or by_words(asked),
            alarm=sum(alarm.get(f"crisis-{kind}", 0.0) for kind in CrisisKind),
        )

    def _place_alone(self, language: Language, sure: bool, found: Found) -> Understanding:
        best = Scored(intent="county", score=0.95)
        known = "county" in self._intents
        return Understanding(
            language=language,
            language_sure=sure,
            decision=Decision.ANSWER if known else Decision.NONE,
            intent="county" if known else NONE,
            score=best.score,
            alternatives=self._padded([best] if known else []),
            found=found,
        )

    def _padded(self, ranked: list[Scored]) -> tuple[Scored, ...]:
        """The best three; filled up so that there are always three where the content has as many."""
        named = {s.intent for s in ranked[:OFFERED]}
        rest = () if len(named) == OFFERED else (s for s in self._offerable if s.intent not in named)
        return tuple([*ranked[:OFFERED], *rest][:OFFERED])


def says_something(text: str) -> bool:
    """Whether anything is left of a text without its places: 'in the town of ... nc please' is nothing."""
    return any(w not in ABOUT_A_PLACE for w in folded(text).split())


def build_understander(library: Library, gazetteer: Gazetteer, cache: Path | None, progress: Progress = no_progress, *, settling: bool = False) -> Understander:
    """Learns from the library, or reads what was learnt from the very same content before, or, `settling`, last. `cache` is a folder, None keeps nothing."""
    encoder, examples = Encoder(), examples_of(library)
    path = model_path(learning_hash(library), cache) if cache else None
    if path and settling and not path.exists():
        path = _last_learnt(path)
    models = load_models(path) if path else None
    counts = models.counts if models else counted((q.text, q.language) for q in examples)
    ear, speller = LanguageEar(counts), Speller(counts)
    finder = PlaceFinder(gazetteer, ear.is_word)
    if models is None:
        notebook = Notebook(encoder, cache / f"notebook-{MODEL_VERSION}.npz" if cache else None)
        learning = import_module("bot.understanding.learning")  # with scikit-learn: a second and 60 MB, which who has learnt already does without
        models = learning.learn(library, examples, counts, notebook, finder, speller, progress)
        if path:
            with suppress(OSError):  # on a full disk it is not kept, but it answers
                save_models(path, models)
                for old in path.parent.glob("model-*.npz"):
                    if old != path:
                        old.unlink(missing_ok=True)
    encoder.encode(["warm"])
    return Understander(library, models, finder, ear, speller, encoder)


def examples_of(library: Library) -> list[Question]:
    """All that is learnt from. Keywords and titles are phrases too."""
    pages = [page for page in library.pages.values() if page.id not in CRISIS]
    keywords = [Question(text=text, intent=page.id, language=page.language) for page in pages for text in (*page.front.keywords, page.front.title)]
    return [*library.questions, *library.lookalikes, *keywords]


def _last_learnt(wanted: Path) -> Path:
    """The model that is there, if it is of this version, as the notebook beside it says; else the one that was wanted."""
    there = sorted(wanted.parent.glob("model-*.npz")) if (wanted.parent / f"notebook-{MODEL_VERSION}.npz").exists() else []
    return there[-1] if there else wanted


def model_path(learnt: str, cache: Path) -> Path:
    """Where the model that was learnt from the questions of this hash is kept."""
    return cache / f"model-{learnt}.npz"


def learning_hash(library: Library) -> str:
    """Changes when something changes that models are learnt from. Line by line, so that a thread that hashes does not hold up the others."""
    digest = blake2b(str(MODEL_VERSION).encode(), digest_size=12)
    for q in examples_of(library):
        digest.update(f"{q.language} {q.intent} {q.text}\n".encode("utf-8", "replace"))
    return digest.hexdigest()
