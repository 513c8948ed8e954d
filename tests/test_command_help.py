"""`--help` and what is wrong with a command, in the language of whoever typed it."""

import os
import subprocess
import sys

import pytest
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from bot.cli import app
from bot.command_help import SpokenCommand
from bot.messages import LANGUAGES, Language
from bot.settings import ROOT, Terminal
from bot.wording.catalog import Words

VOLUNTEERS = (
    "chat",
    "check",
    "eval",
    "explain",
    "export",
    "export-csv",
    "export-hsds",
    "export-json",
    "import",
    "import-hsds",
    "map",
    "new",
    "new-page",
    "preview",
    "report",
    "shelter",
    "shelter-close",
    "shelter-list",
    "shelter-open",
    "studio-link",
)


def typed(*words: str, **env: str) -> subprocess.CompletedProcess[str]:
    clean = {k: v for k, v in os.environ.items() if k not in ("FARO_LANG", "LC_ALL", "LC_MESSAGES", "LANG")}
    return subprocess.run([sys.executable, "-m", "bot", *words], cwd=ROOT, env=clean | env, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("arguments", "env", "language"),
    [
        ((), {}, "en"),
        ((), {"LANG": "es_MX.UTF-8"}, "es"),
        ((), {"LANG": "es_MX.UTF-8", "LC_ALL": "C.UTF-8"}, "en"),
        ((), {"LANG": "en_US.UTF-8", "FARO_LANG": "es"}, "es"),
        (("--lang", "en"), {"FARO_LANG": "es"}, "en"),
        (("check", "--lang=es"), {}, "es"),
    ],
)
def test_the_language_is_that_of_whoever_types(monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], env: dict[str, str], language: Language) -> None:
    for name in ("FARO_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    assert Terminal(_env_file=None).language(arguments) == language


def commands(group: TyperGroup, path: str = "") -> dict[str, TyperCommand | TyperGroup]:
    found: dict[str, TyperCommand | TyperGroup] = {}
    for name, command in group.commands.items():
        assert isinstance(command, TyperCommand | TyperGroup)
        found[f"{path}{name}"] = command
        if isinstance(command, TyperGroup):
            found |= commands(command, f"{name}-")
    return found


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_command_for_volunteers_and_each_of_its_options_is_explained(words: Words, language: Language) -> None:
    tree = get_command(app)
    assert isinstance(tree, TyperGroup)
    found = commands(tree)
    spoken = {path for path, command in found.items() if isinstance(command, SpokenCommand)}
    assert spoken | {"new", "export", "import", "shelter"} == set(VOLUNTEERS)
    for path in VOLUNTEERS:
        assert words.say(f"help.{path}", language)
        for param in found[path].params:
            name = (param.name or "").rstrip("_")
            assert {f"help.{path}.{name}", f"help.option.{name}"} & words.keys(language), (path, name)


def test_help_is_spanish_when_asked_for() -> None:
    done = typed("check", "--help", "--lang", "es")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Uso: faro check [OPCIONES]\n\nLee todo el contenido")
    assert "--deep" in done.stdout
    whole = typed("--help", LC_ALL="es_US.UTF-8").stdout
    assert "preview      Enseña una respuesta" in whole
    assert "Para quien administra Faro" in whole
    assert "serve" in whole


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("preview",), "Falta ID. Vea: faro preview --help"),
        (("check", "--deeep"), "No existe la opción --deeep. Vea: faro check --help"),
        (("check", "--format", "yaml"), "'yaml' no es ninguna de estas opciones: text, json, github."),
        (("report", "--since", "ayer"), "--since: ese valor no sirve. Vea: faro report --help"),
        (("chek",), "Esta orden no se entiende. Vea: faro --help"),
    ],
)
def test_a_command_that_is_wrong_is_told_in_spanish(words: tuple[str, ...], says: str) -> None:
    done = typed(*words, FARO_LANG="es")
    assert (done.returncode, done.stdout, done.stderr.strip()) == (2, "", says)


def test_the_language_of_the_terminal_is_that_of_what_is_told(tmp_path: object) -> None:
    done = typed("check", "--content", str(tmp_path), FARO_LANG="es")
    assert (done.returncode, "no se encontró ninguna página" in done.stdout.lower()) == (1, True), done.stdout
