"""Pages that their own questions do not reach: each question asked of all the others, by its letters alone (`faro check --deep`)."""

from collections import Counter, defaultdict
from collections.abc import Iterator

import numpy as np

from bot.checks.questions import place_of
from bot.checks.subject import Subject
from bot.errors import Problem
from bot.library.pages import Question
from bot.messages import LANGUAGES, Language
from bot.understanding.normalise import folded

# Letters alone lead half of our questions to their page. Told are pages that do far worse, and those that lose many to one rival.
LEAST_REACHED, MOST_LOST = 0.25, 0.5
SMOOTHING = 0.1


def check_reach(subject: Subject) -> Iterator[Problem]:
    """The learnt model knows more than letters do: what is told here is told by the weakest of its views, and quickly."""
    for language in LANGUAGES:
        questions = [q for q in subject.library.questions if q.language == language and folded(q.text)]
        if questions:
            yield from _of_language(questions, language, subject)


def _of_language(questions: list[Question], language: Language, subject: Subject) -> Iterator[Problem]:
    led: dict[str, Counter[str]] = defaultdict(Counter)
    for question, intent in zip(questions, likeliest_without_itself(questions), strict=True):
        led[question.intent][intent] += 1
    for page in subject.library.pages.values():
        counts = led.get(page.id) if page.language == language else None
        rival, lost = next(((intent, n) for intent, n in counts.most_common() if intent != page.id), ("", 0)) if counts else ("", 0)
        if counts and lost and (counts[page.id] < LEAST_REACHED * counts.total() or lost > MOST_LOST * counts[page.id]):
            path, line = place_of(next(q for q in questions if q.intent == page.id), subject.folder)
            values = {"id": page.id, "reached": f"{counts[page.id] / counts.total():.0%}", "rival": rival, "lost": f"{lost / counts.total():.0%}"}
            yield Problem(path=path, line=line, code="page-not-reached", severity="warning", values=values)


def likeliest_without_itself(questions: list[Question]) -> list[str]:
    """The intent of each question by naive Bayes over its triples of letters, learnt from all questions but itself."""
    intents = sorted({q.intent for q in questions})
    number: dict[str, int] = {}
    said = [np.array(sorted({number.setdefault(t, len(number)) for t in _triples(folded(q.text))}), dtype=np.intp) for q in questions]
    own = [intents.index(q.intent) for q in questions]
    counts = np.zeros((len(number), len(intents)))
    for at, column in zip(said, own, strict=True):
        counts[at, column] += 1
    totals = counts.sum(axis=0)
    logs = np.log(counts + SMOOTHING) - np.log(totals + SMOOTHING * len(number))
    found = []
    for at, column in zip(said, own, strict=True):
        scores = logs[at].sum(axis=0)
        scores[column] = (np.log(counts[at, column] - 1 + SMOOTHING) - np.log(totals[column] - len(at) + SMOOTHING * len(number))).sum()
        found.append(intents[int(np.argmax(scores))])
    return found


def _triples(text: str) -> list[str]:
    padded = f" {text} "
    return [padded[i : i + 4] for i in range(len(padded) - 3)] + text.split()
