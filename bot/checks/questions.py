"""Questions that stand on two pages, or nearly: a message like them pulls both ways."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, pairwise
from pathlib import Path

import numpy as np
from rapidfuzz import fuzz, process

from bot.checks.subject import Subject
from bot.checks.twins import STOP_WORDS
from bot.errors import Problem, Severity
from bot.library.pages import Question
from bot.library.reading import QUESTIONS
from bot.messages import Language
from bot.understanding.normalise import folded

ALIKE = 95
# Shorter texts that are alike by so much are equal; two that differ in one place share their beginning or their end.
SHORTEST, ENDS = 20, 12
# Of a file, in the other language.
MOST_STRANGE = 0.25


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A question in the form in which questions are compared."""

    question: Question
    folded: str


class QuestionCheck:
    """Made once for all questions of a folder."""

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._asked = [Asked(question=q, folded=folded(q.text)) for q in subject.library.questions]

    def check(self) -> Iterator[Problem]:
        yield from self._none()
        yield from self._equal()
        yield from self._near()
        yield from self._in_the_other_language()

    def _none(self) -> Iterator[Problem]:
        """Faro learns a page from its questions: one without any is hardly ever found."""
        asked = {(q.question.language, q.question.intent) for q in self._asked}
        for page in self._subject.library.pages.values():
            name = f"{page.path.stem}{QUESTIONS}"
            unread = any(path.name == name for path in self._subject.broken)
            if (page.language, page.path.stem) not in asked and not unread and not any(path.is_dir() for path in (self._subject.folder / page.language).rglob(name)):
                yield Problem(path=page.path, line=1, code="questions-none", severity="warning", values={"file": name})

    def _equal(self) -> Iterator[Problem]:
        """What is written for two intents counts for none of them as an exact question (bot/understanding leaves it to the model)."""
        by_text: dict[str, list[Question]] = defaultdict(list)
        for asked in self._asked:
            by_text[asked.folded or asked.question.text].append(asked.question)
        for questions in by_text.values():
            for one, two in pairwise(questions):
                if one.intent != two.intent:
                    yield self._problem(two, "question-twice", "warning", other=one.intent)
                elif one.language == two.language:
                    yield self._problem(two, "question-again", "note")

    def _near(self) -> Iterator[Problem]:
        told: set[tuple[str, str]] = set()
        for one, two in self._pairs():
            if (pair := (one.folded, two.folded)) not in told:
                told.add(pair)
                winner, share = self._winner(one, two)
                values = {"text": two.question.text, "near": one.question.text, "other": one.question.intent, "winner": winner, "share": f"{share:.0%}"}
                yield self._problem(two.question, "question-near", "note", **values)

    def _pairs(self) -> Iterator[tuple[Asked, Asked]]:
        """Two of different intents with the same words, or all but the same letters."""
        words: dict[tuple[str, ...], list[Asked]] = defaultdict(list)
        ends: dict[tuple[str, ...], list[Asked]] = defaultdict(list)
        for asked in self._asked:
            text, language = asked.folded, asked.question.language
            if len(text) >= SHORTEST:
                words[language, *sorted(text.split())].append(asked)
                ends[language, text[:ENDS]].append(asked)
                ends[language, "", text[-ENDS:]].append(asked)
        for groups, pairs in ((words, _apart), (ends, _alike)):
            for group in groups.values():
                if len(group) > 1 and len({a.question.intent for a in group}) > 1:
                    yield from pairs(group)

    def _winner(self, one: Asked, two: Asked) -> tuple[str, float]:
        """The intent to which most of the questions like these belong: the model learns from their words."""
        words = set(one.folded.split()) | set(two.folded.split())
        alike = {one.question.intent: 0, two.question.intent: 0}
        for asked in self._asked:
            if asked.question.intent in alike and len(words & set(asked.folded.split())) * 2 >= len(words):
                alike[asked.question.intent] += 1
        best = max(alike, key=lambda intent: alike[intent])
        return best, alike[best] / max(1, sum(alike.values()))

    def _in_the_other_language(self) -> Iterator[Problem]:
        """People mix languages, so that a line says little: a file of which much is in the other language stands in the wrong folder."""
        strange: dict[tuple[str, Language], list[Question]] = defaultdict(list)
        for asked in self._asked:
            words, language = set(asked.folded.split()), asked.question.language
            other: Language = "es" if language == "en" else "en"
            if words.isdisjoint(STOP_WORDS[language]) and len(words & STOP_WORDS[other]) >= 2:
                strange[asked.question.intent, language].append(asked.question)
        sizes = Counter((asked.question.intent, asked.question.language) for asked in self._asked)
        for key, questions in strange.items():
            if len(questions) > MOST_STRANGE * sizes[key]:
                other = "es" if key[1] == "en" else "en"
                yield self._problem(questions[0], f"questions-{other}", "warning", share=f"{len(questions) / sizes[key]:.0%}")

    def _problem(self, question: Question, code: str, severity: Severity, **values: str) -> Problem:
        path, line = place_of(question, self._subject.folder)
        return Problem(path=path, line=line, code=code, severity=severity, values={"text": question.text, **values})


def _apart(group: list[Asked]) -> Iterator[tuple[Asked, Asked]]:
    return ((a, b) for a, b in combinations(group, 2) if a.question.intent != b.question.intent and a.folded != b.folded)


def _alike(group: list[Asked]) -> Iterator[tuple[Asked, Asked]]:
    texts = [asked.folded for asked in group]
    close = np.argwhere(np.triu(process.cdist(texts, texts, scorer=fuzz.ratio, score_cutoff=ALIKE, dtype=np.uint8), 1))
    return (pair for a, b in close for pair in _apart([group[a], group[b]]))


def place_of(question: Question, folder: Path) -> tuple[Path, int]:
    """Where a question stands: the library keeps its words only."""
    name = f"{question.intent}{QUESTIONS}"
    for path in sorted((folder / question.language).rglob(name)):
        for number, line in enumerate(path.read_text(encoding="utf-8-sig", errors="replace").split("\n"), 1):
            if line.strip() == question.text:
                return path, number
    return folder / question.language / name, 1
