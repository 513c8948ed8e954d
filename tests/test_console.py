"""The command line as people and scripts run it: real processes, real standard input."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot.cli import app
from bot.conversation import Mind
from bot.settings import ROOT
from bot.wording.gsm7 import segments


@pytest.fixture
def env(mind: Mind, model_cache: Path, tmp_path: Path) -> dict[str, str]:
    """No setting of this machine; a data folder with the model that is already learnt."""
    assert mind
    (tmp_path / "cache").symlink_to(model_cache)
    return {**{k: v for k, v in os.environ.items() if not k.startswith("FARO_")}, "FARO_DATA": str(tmp_path), "OPENBLAS_NUM_THREADS": "1"}


def faro(env: Mapping[str, str], *arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "bot", *arguments], cwd=ROOT, env=env, input=typed, capture_output=True, text=True, timeout=120)


def test_chat_in_the_dress_of_a_phone(env: dict[str, str]) -> None:
    ran = faro(env, "chat", "--style", "sms", typed="refugio en el condado de Wake\nMAS\n\n😀\nME QUIERO MORIR\nALERTAS Wake\n1")
    assert ran.returncode == 0, ran.stderr
    first, second, empty, emoji, crisis, asked, joined = ran.stdout.strip().split("\n\n")
    assert [part for part in ("Condado de Wake", "43362", "211", "Escriba MAS para seguir.") if part not in first] == []
    assert "redcross" in second
    assert "Condado de Wake: no tengo" not in second, "MORE does not say the same again"
    assert "mensaje vac" in empty
    assert "mensaje vac" in emoji
    assert "988" in crisis
    assert "1 Confirmar" in asked, "a rehearsal has no number, and goes all the way"
    assert "ALERTAS ALTO" in joined
    for text in (first, second, empty, emoji, crisis, asked, joined):
        assert segments(text)[0] == "GSM-7"
        assert segments(text)[1] <= 3
    assert not (Path(env["FARO_DATA"]) / "secret").stat().st_mode & 0o077


def test_chat_in_the_dress_of_telegram_and_in_a_language(env: dict[str, str]) -> None:
    ran = faro(env, "chat", "--style", "telegram", "--lang", "es", typed="28801\nMENU\n2\n" + "comida " * 20_000 + "\n")
    assert ran.returncode == 0, ran.stderr
    assert "Listo: condado de Buncombe." in ran.stdout
    assert "2 Comida" in ran.stdout
    assert "<b>" in ran.stdout


def test_a_style_that_is_none_is_explained(env: dict[str, str]) -> None:
    ran = faro(env, "chat", "--style", "pigeon")
    assert ran.returncode == 2
    assert "'pigeon' is none of console, sms" in ran.stderr


def test_a_wrong_setting_is_named_with_what_to_do(env: dict[str, str]) -> None:
    ran = faro({**env, "FARO_TWILIO_AUTH_TOKEN": "secret-of-twilio"}, "chat")
    assert ran.returncode == 1
    assert "FARO_PUBLIC_URL" in ran.stderr
    assert "What to do" in ran.stderr
    assert "secret-of-twilio" not in ran.stderr + ran.stdout
    assert "Traceback" not in ran.stderr


def test_match_streams_an_answer_a_line(env: dict[str, str]) -> None:
    lines = ['{"text": "no puedo dormir", "language": null, "county": null}', "no json", '{"text": "shelter in 28739"}', '{"text": "i want to die"}', '{"text": "food", "county": "Wake"}', "[1]"]
    with subprocess.Popen([sys.executable, "-m", "bot", "match"], cwd=ROOT, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin
        assert process.stdout
        answers = []
        for line in lines:
            process.stdin.write(line + "\n")
            process.stdin.flush()
            answers.append(json.loads(process.stdout.readline()))  # before the next is written
        process.stdin.close()
        assert process.wait(20) == 0
    sleep, broken, shelter, crisis, food, also_broken = answers
    assert (sleep["language"], sleep["decision"], sleep["intent"]) == ("es", "answer", "sleep")
    assert sleep["alternatives"][0]["intent"] == "sleep"
    assert all(len(a["alternatives"]) == 3 for a in (sleep, shelter, crisis, food))
    assert (shelter["intent"], shelter["county"]) == ("shelter", "Henderson")
    assert (crisis["decision"], crisis["crisis"]) == ("crisis", {"kind": "suicide", "level": "now"})
    assert food["county"] == "Wake"
    assert set(broken) == set(also_broken) == {"error"}


def test_segments_counts_what_it_is_given() -> None:
    ran = CliRunner().invoke(app, ["segments"], input='{"text": "hola"}\n{"text": "á"}\n\n' + json.dumps({"text": "a" * 161}) + "\n")
    assert [json.loads(line) for line in ran.stdout.splitlines()] == [
        {"encoding": "GSM-7", "segments": 1},
        {"encoding": "UCS-2", "segments": 1},
        {"encoding": "GSM-7", "segments": 2},
    ]
