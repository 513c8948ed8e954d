"""Faro beside what one would pick instead, on one machine, in one run, on the same questions. docs/rivals.md holds what was measured.

    python3 -m venv ~/rivals/venv
    ~/rivals/venv/bin/pip install python-telegram-bot rapidfuzz scikit-learn starlette uvicorn python-multipart
    npm install --prefix ~/rivals node-nlp express
    OPENBLAS_NUM_THREADS=1 python benchmarks/rivals.py ~/rivals/work --python ~/rivals/venv/bin/python --node-modules ~/rivals/node_modules

The rivals live outside the repository and are none of Faro's requirements. One fifth of the questions of every intent and language is held back (seed 1); all learn from the rest, kept with
what was learnt in the working folder: a second run only measures. A part of what is held back chooses each rival's cutoff, the rest is the test. Each system is a process of its own with one thread; wall and processor time stand side by side, for a busy machine.
"""

import argparse
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.killing import Service, telegram_run, webhook_run  # noqa: E402
from bot.geo.tables import load_gazetteer  # noqa: E402
from bot.library.pages import CRISIS, NONE, Library  # noqa: E402
from bot.library.reading import QUESTIONS, read_library  # noqa: E402
from bot.messages import LANGUAGES  # noqa: E402
from bot.understanding.normalise import folded  # noqa: E402

HERE = Path(__file__).resolve().parent / "rivals"
ONE_THREAD = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")


@dataclass(frozen=True, kw_only=True)
class System:
    """One that is measured: how it is called, and which doors it has."""

    name: str
    command: tuple[str, ...]
    environment: dict[str, str]
    doors: tuple[str, ...]

    def run(self, order: str, work: Path, **how: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*self.command, order, str(work)], env={**os.environ, **ONE_THREAD, **self.environment}, text=True, check=True, **how)


def systems(work: Path, python: str, node_modules: str) -> list[System]:
    return [
        System(name="Faro", command=(sys.executable, str(HERE / "faro_asked.py")), environment={"PYTHONPATH": str(ROOT)}, doors=("telegram", "webhook")),
        System(name="python-telegram-bot + RapidFuzz", command=(python, str(HERE / "rapidfuzz_telegram.py")), environment={}, doors=("telegram",)),
        System(name="node-nlp + Express", command=("node", str(HERE / "node_nlp_webhook.js")), environment={"NODE_PATH": node_modules}, doors=("webhook",)),
        System(name="scikit-learn + Starlette", command=(python, str(HERE / "sklearn_webhook.py")), environment={}, doors=("webhook",)),
    ]


def prepare(work: Path) -> None:
    """content/ without the held-back questions, for Faro; the same as one JSON file, for the rivals; and what was held back."""
    shutil.copytree(ROOT / "content", work / "content")
    chance, held = random.Random(1), []
    for path in sorted((work / "content").rglob(f"*{QUESTIONS}")):
        lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip() and not line.startswith("#")]
        chance.shuffle(lines)
        fifth = len(lines) // 5
        language = path.relative_to(work / "content").parts[0]
        held += [{"text": line.strip(), "intent": path.name.removesuffix(QUESTIONS), "language": language} for line in lines[:fifth]]
        path.write_text("\n".join(lines[fifth:]) + "\n", encoding="utf-8")
    library = read_library(work / "content")
    questions = [{"text": q.text, "intent": q.intent, "language": q.language} for q in library.questions] + titles(library)
    known = {folded(q["text"]) for q in questions}
    answers = {language: {intent: answer(library, intent, language) for intent in library.intents} for language in LANGUAGES}
    (work / "taught.json").write_text(json.dumps({"questions": questions, "answers": answers}, ensure_ascii=False), encoding="utf-8")
    (work / "held.json").write_text(json.dumps([q for q in held if folded(q["text"]) not in known], ensure_ascii=False), encoding="utf-8")


def titles(library: Library) -> list[dict[str, str]]:
    """Titles and keywords of pages, which Faro learns from, too."""
    return [{"text": t, "intent": p.id, "language": p.language} for p in library.pages.values() if p.id not in CRISIS for t in (*p.front.keywords, p.front.title)]


def answer(library: Library, intent: str, language: Any) -> str:
    page = library.page(intent, language)
    return (page.front.sms or page.front.title) if page else intent


def ask(system: System, work: Path, held: list[dict[str, str]]) -> list[dict[str, Any]]:
    lines = "".join(json.dumps({"text": q["text"]}) + "\n" for q in held)
    return [json.loads(line) for line in system.run("ask", work, input=lines, stdout=subprocess.PIPE).stdout.splitlines()]


def cut(said: list[dict[str, Any]], cutoff: float) -> list[dict[str, Any]]:
    """What is answered with this cutoff. Faro has decided itself."""
    return [s if "intent" in s else {**s, "intent": s["best"] if s["score"] >= cutoff else NONE} for s in said]


def best_cutoff(said: list[dict[str, Any]], questions: list[dict[str, str]]) -> float:
    """The cutoff of the highest F1: right answers among all answers, and among all questions that are ours."""
    ours = sum(q["intent"] != NONE for q in questions)

    def f1(cutoff: float) -> float:
        answered = [(s["intent"], q["intent"]) for s, q in zip(cut(said, cutoff), questions, strict=True) if s["intent"] != NONE]
        return 2 * sum(a == b for a, b in answered) / (len(answered) + ours)

    return max((n / 100 for n in range(2, 100, 2)), key=f1)


def share(flags: list[bool]) -> str:
    return f"{sum(flags) / len(flags):.3f}"


def understanding(said: list[dict[str, Any]], held: list[dict[str, str]]) -> dict[str, str]:
    """The rows about right and wrong, and what a message costs."""
    pairs = list(zip(said, held, strict=True))
    ours = [(s, q) for s, q in pairs if q["intent"] not in (NONE, *CRISIS)]
    rows = {f"right answers, {name}": share([s["intent"] == q["intent"] for s, q in ours if q["language"] == code]) for code, name in (("en", "English"), ("es", "Spanish"))}
    rows["right, or among the choices offered"] = share([q["intent"] in (s["intent"], *s.get("offered", ())) for s, q in ours])
    rows["answered wrong"] = share([s["intent"] not in (NONE, q["intent"]) for s, q in ours])
    rows["best guess right, were nothing refused"] = share([s["best"] == q["intent"] for s, q in ours])
    rows["not ours: refused"] = share([s["intent"] == NONE and not s.get("offered") for s, q in pairs if q["intent"] == NONE])
    rows["not ours: answered"] = share([s["intent"] != NONE for s, q in pairs if q["intent"] == NONE])
    rows["crisis: shown help for a crisis"] = share([s["intent"] in CRISIS or bool(s.get("crisis")) for s, q in pairs if q["intent"] in CRISIS])
    rows["ordinary: shown help for a crisis"] = share([s["intent"] in CRISIS or bool(s.get("crisis")) for s, q in ours])
    rows["language right"] = share([s["language"] == q["language"] for s, q in pairs])
    rows["ms a message, median"] = f"{statistics.median(s['ms'] for s in said):.2f}"
    rows["processor ms a message, median"] = f"{statistics.median(s['cpu'] for s in said):.2f}"
    return rows


def counties(said: list[dict[str, Any]], named: list[str]) -> str:
    right = sum(s.get("county") == c for s, c in zip(said, named, strict=True))
    return f"yes: {right} of {len(named)}" if right else "no"


def county_questions() -> tuple[list[dict[str, str]], list[str]]:
    """Every county in one question of each language."""
    names = sorted(c.name for c in load_gazetteer().counties.values())
    asked = [("en", f"where is a shelter in {n} county") for n in names] + [("es", f"dónde hay un refugio en el condado de {n}") for n in names]
    return [{"text": text, "intent": "shelter", "language": language} for language, text in asked], names * 2


def measured(system: System, work: Path, tuning: list[dict[str, str]], held: list[dict[str, str]], kills: bool) -> dict[str, str]:
    asked, named = county_questions()
    said = ask(system, work, [*tuning, *held, *asked])
    tuned, said, about = said[: len(tuning)], said[len(tuning) : -len(asked)], said[-len(asked) :]
    cutoff = 0.0 if system.name == "Faro" else best_cutoff(tuned, tuning)
    rows = {"cutoff": f"{cutoff:.2f}" if cutoff else "its own", **understanding(cut(said, cutoff), held), "knows counties": counties(about, named)}
    service = Service(name=system.name, command=system.command, environment={**ONE_THREAD, **system.environment}, work=work, cutoff=cutoff)
    for door in system.doors if kills else ():
        rows |= telegram_run(service) if door == "telegram" else webhook_run(service)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path)
    parser.add_argument("--python", required=True, help="the interpreter with the rivals' packages")
    parser.add_argument("--node-modules", required=True)
    parser.add_argument("--most", type=int, default=10_000, help="test with at most so many of the questions held back, drawn by chance")
    parser.add_argument("--tuning", type=int, default=400, help="so many of them choose the cutoffs, and are not in the test")
    parser.add_argument("--no-kills", action="store_true")
    options = parser.parse_args()
    work = options.work.absolute()
    if not (work / "held.json").exists():
        prepare(work)
    held = json.loads((work / "held.json").read_text(encoding="utf-8"))
    random.Random(2).shuffle(held)
    tuning, held = held[: options.tuning], held[options.tuning :][: options.most]
    found: dict[str, dict[str, str]] = {}
    for system in systems(work, options.python, options.node_modules):
        if not (done := work / f"{system.name.split()[0]}.learnt").exists():
            system.run("learn", work)
            done.touch()
        found[system.name] = measured(system, work, tuning, held, not options.no_kills)
        print(system.name, json.dumps(found[system.name]), file=sys.stderr, flush=True)
    table = Table("", *found, title=f"{len(held)} questions held back")
    for row in dict.fromkeys(name for rows in found.values() for name in rows):
        table.add_row(row, *(rows.get(row, "–") for rows in found.values()))
    Console(width=160).print(table)


if __name__ == "__main__":
    main()
