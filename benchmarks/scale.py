"""What grows when Faro grows: a hundred times the content, a million contacts, five million persons, a million subscriptions; each beside a floor of the same run.

    python benchmarks/scale.py content --cache DIR     a message with 1, 10 and 100 times the pages and questions; DIR has the model, learnt before
    python benchmarks/scale.py contacts                the directory with a million rows
    python benchmarks/scale.py persons                 five million persons in a PostgreSQL of its own
    python benchmarks/scale.py alerts                  a million subscriptions in a hundred counties, likewise

The hundredfold content is read from disk, and its lookups (phrases, language, spelling) are built from it, all as in a start. Its models are the real content's
with each label there so many times: to learn from four million questions takes hours, and what a message costs goes by the models' size, not by what is in them.
`wall` is what a message waits on these cores, whatever else they do; CPU is this process's own.
"""

import argparse
import asyncio
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from pydantic import SecretStr

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.scale_database import NOW, alerts, persons  # noqa: E402
from benchmarks.timing import megabytes, say, timed  # noqa: E402
from bot.app import compose  # noqa: E402
from bot.content import Content  # noqa: E402
from bot.directory.directory import Directory  # noqa: E402
from bot.directory.rows import KINDS, Row  # noqa: E402
from bot.geo.tables import load_gazetteer  # noqa: E402
from bot.library.pages import CRISIS, Library  # noqa: E402
from bot.library.reading import collect_library  # noqa: E402
from bot.messages import Channel, Inbound  # noqa: E402
from bot.settings import Settings  # noqa: E402
from bot.store.store import open_store  # noqa: E402
from bot.understanding.encoder import Encoder  # noqa: E402
from bot.understanding.model import Linear, Model, Network, load_models, save_models  # noqa: E402
from bot.understanding.understander import learning_hash, model_path  # noqa: E402
from bot.wording.catalog import load_words  # noqa: E402

CONTENT = ROOT / "content"
ROWS = 1_000_000
# Words that the real content does not have: with them the vocabulary grows, too.
SYLLABLES = "ba ce di fo gu la me ni po ru sa te vi zo cha tre lla sto mar gen".split()


# Content


def grown(target: Path, times: int) -> None:
    """A content folder with so many times the pages, their contacts and their questions; the copies say a word of their own here and there."""
    shutil.copytree(CONTENT, target)
    chance = random.Random(7)
    files = [f for f in CONTENT.rglob("*") if f.suffix == ".md" or f.name.endswith((".questions.txt", ".lookalikes.txt"))]
    contents = [(file, file.relative_to(CONTENT), file.read_text(encoding="utf-8")) for file in files]
    for copy in range(1, times):
        for file, relative, text_ in contents:
            name, ending = file.name.split(".", 1)
            single = name in (*CRISIS, "none")  # what there is one of, however much there is of the rest
            if single and ending == "md":
                continue
            language, *folders = relative.parent.parts
            path = target / language / f"copy{copy}" / Path(*folders) / f"{name if single else f'{name}-{copy}'}.{ending}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text_.replace(f"id: {name}", f"id: {name}-{copy}", 1) if ending == "md" else _said_otherwise(text_, chance), encoding="utf-8")


def _said_otherwise(lines: str, chance: random.Random) -> str:
    """Each question with one of its words replaced."""
    told = []
    for line in lines.splitlines():
        words = line.split()
        if words and not line.startswith("#"):
            words[chance.randrange(len(words))] = "".join(chance.choices(SYLLABLES, k=3))
        told.append(" ".join(words))
    return "\n".join(told)


def write_model(library: Library, real: Path, cache: Path, times: int) -> None:
    """Where Faro looks for what it learnt from this library: the real content's models, each label of the topics there so many times."""
    loaded = load_models(real)
    assert loaded
    topics = loaded.topics
    labels = [label if copy == 0 else f"{label}-{copy}" for copy in range(times) for label in topics.labels]
    apart = (np.arange(len(labels)) // len(topics.labels) * 0.1).astype(np.float32)  # or all copies would be equally likely, and none be answered
    networks = [Network(n.weights, n.bias, np.tile(n.out_weights, times), np.tile(n.out_bias, times) - apart) for n in topics.meaning]
    many = Model(labels, Linear(np.tile(topics.letters.weights, times), np.tile(topics.letters.bias, times) - apart), networks)
    save_models(model_path(learning_hash(library), cache), replace(loaded, topics=many))


def content(times: int, cache: Path) -> None:
    folder = Path(tempfile.mkdtemp())
    try:
        real = model_path(learning_hash(collect_library(CONTENT)[0].finished), cache)
        if times > 1:
            grown(folder / "content", times)
        # In a process of its own, so that what it takes is not counted as Faro's.
        subprocess.run([sys.executable, __file__, "model", "--folder", str(folder), "--times", str(times), "--cache", str(real)], check=True)
        asyncio.run(_answers(folder, times))
    finally:
        shutil.rmtree(folder)


async def _answers(folder: Path, times: int) -> None:
    words, gazetteer = load_words(), load_gazetteer()
    begun, used = time.perf_counter(), time.process_time()
    content = Content(folder / "content" if times > 1 else CONTENT, folder / "cache", words, gazetteer, lambda: NOW)
    live, took, worked, memory = content.live, time.perf_counter() - begun, time.process_time() - used, megabytes()
    settings = Settings(_env_file=None, data=folder, secret=SecretStr("s" * 40))
    store = await open_store(settings.database())
    faro = compose(settings, words=words, gazetteer=gazetteer, live=lambda: live, store=store, clock=lambda: NOW)
    library, _ = collect_library(CONTENT)
    asked = [f"{q.text} please {n}" for n, q in enumerate(random.Random(3).sample(library.questions, 400))]
    encoder = Encoder()
    inbound = [Inbound(channel=Channel.SMS, sender=f"+1919555{n:04d}", message_id=f"m{n}", text=one) for n, one in enumerate(asked)]
    await timed([lambda one=one: faro.conversation.answer(one) for one in inbound[:50]])

    async def alone(one: str) -> None:
        encoder.encode([one])

    async def understood(one: str) -> None:
        live.mind.understander.understand(one)

    say(f"content x{times}: pages, questions", f"{len(live.mind.kit(NOW).library.pages)}, {len(live.mind.kit(NOW).library.questions)}")
    say("  start-up: wall, CPU; memory then, at most", f"{took:.1f} s, {worked:.1f} s; {memory:.0f} MB, {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")
    say("  floor: the encoder alone", await timed([lambda one=one: alone(one) for one in asked[50:]]))
    say("  a message understood", await timed([lambda one=one: understood(f"{one} x") for one in asked[50:]]))
    say("  a message answered and remembered (SQLite)", await timed([lambda one=one: faro.conversation.answer(one) for one in inbound[50:]]))
    await store.close()


# Contacts


async def contacts() -> None:
    gazetteer = load_gazetteer()
    names, kinds = sorted(gazetteer.counties), [kind for kind in KINDS.values() if kind != "shelter"]
    before, begun = megabytes(), time.perf_counter()
    rows = [_row(n, names[n % len(names)], kinds[n // len(names) % len(kinds)]) for n in range(ROWS)]
    read, between = time.perf_counter() - begun, megabytes()
    begun = time.perf_counter()
    directory = Directory(rows, gazetteer.counties)
    say(f"{ROWS:,} contacts: rows made; directory built", f"{read:.1f} s, {between - before:.0f} MB; {time.perf_counter() - begun:.1f} s, {megabytes() - between:.0f} MB")
    pairs = [(kind, county) for kind in kinds for county in names]
    random.Random(1).shuffle(pairs)
    table = dict.fromkeys(pairs, rows[:1])

    async def floor(pair: tuple[str, str]) -> None:
        table[pair]

    async def told(kind: str, county: str) -> None:
        directory.of_county(kind, county, "es", NOW)

    say("  floor: a lookup in a dict", await timed([lambda pair=pair: floor(pair) for pair in pairs]))
    say(f"  a county's {ROWS // len(pairs):,} contacts, asked for the first time", await timed([lambda pair=pair: told(*pair) for pair in pairs]))
    say("  asked for again", await timed([lambda pair=pair: told(*pair) for pair in pairs]))


def _row(n: int, county: str, kind: str) -> Row:
    values = {"id": f"c{n}", "county": county, "name": f"Example office {n}", "name_es": f"Oficina de ejemplo {n}", "phone": f"919-555-01{n % 100:02d}" if n % 3 else "", "confidence": "high"}
    return Row(kind=kind, county=county, values={**values, "website": "https://example.org", "hours": "Mon-Fri 9-5", "checked": "2026-11-22"}, path=Path("x.csv"), line=n + 2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("content", "contacts", "persons", "alerts", "model"))
    parser.add_argument("--cache", type=Path, help="content: the folder with the model, learnt before")
    parser.add_argument("--times", type=int, help="content: only so many times")
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    if given.what == "model":
        library = collect_library(given.folder / "content" if given.times > 1 else CONTENT)[0].finished
        write_model(library, given.cache, given.folder / "cache", given.times)
    elif given.what == "content":
        for times in (given.times,) if given.times else (1, 10, 100):
            if given.times:
                content(times, given.cache)
            else:
                subprocess.run([sys.executable, __file__, "content", "--times", str(times), "--cache", str(given.cache)], check=True)
    else:
        asyncio.run({"contacts": contacts, "persons": persons, "alerts": alerts}[given.what]())


if __name__ == "__main__":
    main()
