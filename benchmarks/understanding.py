"""What understanding costs and what each layer of it is worth, on this machine, on the content itself.

    python benchmarks/understanding.py            build, start again, edit, milliseconds a message, memory
    python benchmarks/understanding.py --ablation every fifth question held back: right first, right among three, 'ours or not'

Set OPENBLAS_NUM_THREADS=1, as the launcher does. The ratio stands beside a floor of the same run: the encoder alone on the same text.
"""

import argparse
import random
import resource
import shutil
import statistics
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.clinc150 import mistyped  # noqa: E402
from bot.geo.tables import load_gazetteer  # noqa: E402
from bot.geo.text import PlaceFinder  # noqa: E402
from bot.library.pages import CRISIS, NONE, Question  # noqa: E402
from bot.library.reading import read_library  # noqa: E402
from bot.understanding.encoder import Encoder  # noqa: E402
from bot.understanding.features import Ngrams, Rows  # noqa: E402
from bot.understanding.language import LanguageEar, counted  # noqa: E402
from bot.understanding.model import Model  # noqa: E402
from bot.understanding.normalise import clean  # noqa: E402
from bot.understanding.spelling import Speller  # noqa: E402
from bot.understanding.training import fit_model  # noqa: E402
from bot.understanding.understander import build_understander  # noqa: E402


def costs() -> None:
    library, gazetteer = read_library(ROOT / "content"), load_gazetteer()
    folder = Path(tempfile.mkdtemp())
    try:
        first = timed(lambda: build_understander(library, gazetteer, folder))
        again = timed(lambda: build_understander(library, gazetteer, folder))
        extra = Question(text="a question that nobody has asked before", intent="sleep", language="en")
        edited = timed(lambda: build_understander(replace(library, questions=(*library.questions, extra)), gazetteer, folder))
        understander = build_understander(library, gazetteer, None if not any(folder.iterdir()) else folder)
    finally:
        shutil.rmtree(folder)
    encoder = Encoder()
    texts = [q.text + " please" for q in library.questions[:: max(1, len(library.questions) // 2000)]]
    floor, ours = [], []
    for text in texts:
        floor.append(timed(lambda text=text: encoder.encode([text])))  # type: ignore[misc]
        ours.append(timed(lambda text=text: understander.understand(text)))  # type: ignore[misc]
    print(f"questions                      {len(library.questions)}")
    print(f"built from nothing             {first:.1f} s")
    print(f"started again                  {again:.1f} s")
    print(f"after an edit of one page      {edited:.1f} s")
    print(f"encoder alone, median          {1000 * statistics.median(floor):.2f} ms a message")
    print(f"understanding, median          {1000 * statistics.median(ours):.2f} ms a message ({statistics.median(ours) / statistics.median(floor):.2f} x the encoder)")
    print(f"understanding, 99th percentile {1000 * sorted(ours)[int(0.99 * len(ours))]:.2f} ms a message")
    print(f"memory at most                 {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB (learning included)")


def timed(work: object) -> float:
    begun = time.perf_counter()
    work()  # type: ignore[operator]
    return time.perf_counter() - begun


def ablation() -> None:
    library, gazetteer = read_library(ROOT / "content"), load_gazetteer()
    questions = [q for q in library.questions if q.intent not in CRISIS]
    seen, held = [q for i, q in enumerate(questions) if i % 5], [q for i, q in enumerate(questions) if i % 5 == 0]
    counts = counted((q.text, q.language) for q in seen)
    finder, speller, encoder = PlaceFinder(gazetteer, LanguageEar(counts).is_word), Speller(counts), Encoder()
    chance = random.Random(1)
    typed = [mistyped(q.text, 0.05, chance) for q in held]

    def asked(text: str, question: Question, *, places: bool = True, spelling: bool = True) -> str:
        text = clean(text)
        text = finder.find(text).without(text) or text if places else text
        return speller.mend(text, question.language) if spelling else text

    learnt = [asked(q.text, q) for q in seen]
    ngrams, letters = Ngrams.learn(learnt)
    model = fit_model(Rows(letters=letters, meaning=encoder.encode(learnt)), [q.intent for q in seen])

    def rows_of(texts: list[str]) -> Rows:
        return Rows(letters=ngrams.of(texts), meaning=encoder.encode(texts))

    print("| what | right first | right among three | 'ours or not' (AUROC) |\n| --- | --- | --- | --- |")
    plain = rows_of([asked(q.text, q) for q in held])
    views = model.views(plain)
    report("letters and words", model, views["letters"], held)
    report("meaning, one network", model, model.meaning[0].logs(plain.meaning), held)
    report("meaning, two networks", model, views["meaning"], held)
    report("all", model, model.all_logs(plain), held)
    report("all, places left in", model, model.all_logs(rows_of([asked(q.text, q, places=False) for q in held])), held)
    report("all, 5 % of letters mistyped", model, model.all_logs(rows_of([asked(t, q) for t, q in zip(typed, held, strict=True)])), held)
    report("the same without mending the spelling", model, model.all_logs(rows_of([asked(t, q, spelling=False) for t, q in zip(typed, held, strict=True)])), held)


def report(name: str, model: Model, logs: NDArray[np.float64], held: list[Question]) -> None:
    chances = np.exp(logs)
    at = model.labels.index(NONE)
    none, ours = chances[:, at], np.delete(chances, at, axis=1)
    names = np.delete(np.array(model.labels), at)
    order = np.argsort(-ours, axis=1)[:, :3]
    truth = np.array([q.intent for q in held])
    inside = truth != NONE
    first = (names[order[:, 0]] == truth)[inside].mean()
    three = (names[order] == truth[:, None]).any(axis=1)[inside].mean()
    print(f"| {name} | {first:.3f} | {three:.3f} | {roc_auc_score(~inside, none / (none + ours.max(axis=1))):.4f} |")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ablation", action="store_true")
    ablation() if parser.parse_args().ablation else costs()
