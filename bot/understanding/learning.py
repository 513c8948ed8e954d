"""What is learnt from the content: loaded only when there is something to learn."""

from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from multiprocessing import get_context
from typing import Any

import numpy as np

from bot.geo.text import PlaceFinder
from bot.library.pages import CRISIS, Library, Question
from bot.understanding.crisis import CALM
from bot.understanding.features import Ngrams, Rows
from bot.understanding.language import WordCounts
from bot.understanding.model import Model, Models
from bot.understanding.normalise import clean, folded
from bot.understanding.notebook import Notebook, Progress, no_progress
from bot.understanding.spelling import Speller
from bot.understanding.training import fit_linear, fit_networks, refusal

# Of so many ordinary questions one is enough to show a network what is calm; of look-alikes it sees all.
CALM_PART = 3
# So few examples are learnt before another process has started.
FEW = 1_000


def learn(library: Library, examples: list[Question], counts: WordCounts, notebook: Notebook, finder: PlaceFinder, speller: Speller, progress: Progress = no_progress) -> Models:
    """One model for topics and one for crisis, over the same numbers, both languages together."""

    def asked(question: Question) -> str:
        text = clean(question.text)
        return speller.mend(finder.find(text).without(text) or text, question.language)

    ordinary = [i for i, q in enumerate(examples) if q.intent not in CRISIS]
    telling = [i for i, q in enumerate(examples) if q.intent in CRISIS or i % CALM_PART == 0]
    alarming = len(library.questions)
    kinds = np.array([q.intent if q.intent in CRISIS and i < alarming else CALM for i, q in enumerate(examples)])
    labels = np.array([examples[i].intent for i in ordinary])
    with _beside(len(examples)) as submit:
        texts, vectors = notebook.read(examples, asked, progress)
        meaning = submit(fit_networks, vectors[ordinary], labels)
        alarm = submit(fit_networks, vectors[telling], kinds[telling]) if len(set(kinds)) > 1 else None
        ngrams, counted = Ngrams.learn(texts)
        rows = Rows(letters=counted, meaning=vectors)
        letters = fit_linear(counted[ordinary], labels)
        loud = fit_linear(counted, kinds) if alarm else None
        refuse_from = refusal(rows[ordinary], labels.tolist())
        crisis = Model(sorted(set(kinds)), loud, alarm()) if alarm and loud else None
        return Models(counts=counts, phrases=phrases_of(library), ngrams=ngrams, topics=Model(sorted(set(labels)), letters, meaning()), crisis=crisis, refuse_from=refuse_from)


def phrases_of(library: Library) -> dict[str, str]:
    """Questions, keywords and titles as they stand, folded, and what they ask for: a text that says just that needs no guessing. What is written for two intents counts for none."""
    known: dict[str, set[str]] = {}
    for question in library.questions:
        if question.intent not in CRISIS:
            known.setdefault(folded(question.text), set()).add(question.intent)
    for page in library.pages.values():
        if page.id not in CRISIS:
            for text in (*page.front.keywords, page.front.title, page.id):
                known.setdefault(folded(text), set()).add(page.id)
    return {text: next(iter(intents)) for text, intents in known.items() if text and len(intents) == 1}


@contextmanager
def _beside(examples: int) -> Iterator[Callable[..., Callable[[], Any]]]:
    """Hands work to a process of its own, where there is so much that it is quicker, and gives what waits for the result."""
    if examples < FEW:
        yield partial
        return
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        pool.submit(int)  # it starts while the questions are read
        yield lambda *work: pool.submit(*work).result
