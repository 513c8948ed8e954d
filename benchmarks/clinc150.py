"""CLINC150 (Larson et al. 2019, D19-1131; CC BY 3.0) through `faro match --content`.

    python benchmarks/clinc150.py data_full.json [--phrases 10] [--typos 0.05]

`data_full.json` is file data/data_full.json of GitHub clinc/oos-eval. Trains on `train` and `oos_train`, tests on `test` and `oos_test`;
nothing is tuned on them. In scope, 'free' counts the best intent though Faro might refuse, 'working' counts a refusal as an error.
"""

import argparse
import json
import random
import string
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def write_content(folder: Path, data: dict[str, list[list[str]]], phrases: int, seed: int) -> None:
    """The training phrases as pages and questions; out-of-scope ones as none.questions.txt."""
    by_intent: dict[str, list[str]] = defaultdict(list)
    for text, intent in data["train"]:
        by_intent[intent].append(text)
    chance = random.Random(seed)
    pages = folder / "en" / "pages"
    pages.mkdir(parents=True)
    for intent, texts in by_intent.items():
        chosen = texts if phrases >= len(texts) else chance.sample(texts, phrases)
        (pages / f"{intent}.md").write_text(f"---\nid: {intent}\ntitle: {intent.replace('_', ' ')}\n---\n{intent}\n", encoding="utf-8")
        (pages / f"{intent}.questions.txt").write_text("\n".join(chosen) + "\n", encoding="utf-8")
    (folder / "en" / "none.questions.txt").write_text("\n".join(t for t, _ in data["oos_train"]) + "\n", encoding="utf-8")


def mistyped(text: str, share: float, chance: random.Random) -> str:
    """Each letter, with this probability, swapped with the next, dropped, doubled or replaced."""
    letters = list(text)
    result: list[str] = []
    i = 0
    while i < len(letters):
        c = letters[i]
        if c.isalpha() and chance.random() < share:
            if chance.random() < 0.25 and i + 1 < len(letters):
                result += [letters[i + 1], c]
                i += 1
            else:
                result += chance.choice([[], [c, c], [chance.choice(string.ascii_lowercase)]])
        else:
            result.append(c)
        i += 1
    return "".join(result)


def ask(folder: Path, texts: list[str]) -> list[dict[str, object]]:
    lines = "".join(json.dumps({"text": t, "language": "en", "county": None}) + "\n" for t in texts)
    done = subprocess.run([sys.executable, "-m", "bot", "match", "--content", str(folder)], input=lines, capture_output=True, text=True, check=True, cwd=ROOT)
    return [json.loads(line) for line in done.stdout.splitlines()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--phrases", type=int, default=100)
    parser.add_argument("--typos", type=float, default=0.0)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    data = json.loads(options.data.read_text(encoding="utf-8"))
    chance = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as folder:
        write_content(Path(folder), data, options.phrases, options.seed)
        texts = [t for t, _ in data["test"]] + [t for t, _ in data["oos_test"]]
        answers = ask(Path(folder), [mistyped(t, options.typos, chance) for t in texts])
    inside, outside = answers[: len(data["test"])], answers[len(data["test"]) :]
    wanted = [intent for _, intent in data["test"]]
    free = sum(a["alternatives"][0]["intent"] == w for a, w in zip(inside, wanted, strict=True)) / len(wanted)  # type: ignore[index]
    working = sum(a["intent"] == w for a, w in zip(inside, wanted, strict=True)) / len(wanted)
    refused = sum(a["decision"] == "none" for a in outside) / len(outside)
    print(f"phrases {options.phrases}, typos {options.typos:.0%}: in scope free {free:.4f}, working {working:.4f}, out-of-scope recall {refused:.4f}")


if __name__ == "__main__":
    main()
