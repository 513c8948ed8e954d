"""A small content folder without any fault, for tests that put one in."""

import shutil
from pathlib import Path

from bot.errors import Problem
from bot.library.pages import CRISIS
from bot.library.reading import parse_page
from bot.settings import ROOT

HOTLINES = (
    "id,county,name,name_es,phone,text,email,website,address,hours,hours_es,languages,notes,notes_es,source,checked,confidence\n"
    'nc211,STATEWIDE,NC 211,NC 211 Línea de ayuda,211,,,https://nc211.example.org,,24/7,24/7,en;es,"Food, rides, a place to stay.",Español también.,https://nc211.example.org,2026-11-22,high\n'
    "lifeline,STATEWIDE,Lifeline,Línea de vida,988,988,,https://line.example.org,,24/7,24/7,en;es,,,https://line.example.org/a ; https://line.example.org/b,2026-11-22,high\n"
)
HEAD = """---
id: {id}
title: {title}
keywords: [{id}]
sms: >
  {sms}
related: [crisis-danger]
contacts: [nc211, lifeline]
directory: [mental-health]
sources: ["https://www.example.org/facts"]
checked: 2026-11-22
review_by: 2027-05-22
"""
ENGLISH = """---
When you cannot sleep, get up for 20 minutes. It costs $5 to rent a fan, and the desk closes at 6 pm. Call {nc211}.

- **Rest** when you can.
- Read [this page](https://www.example.org/rest) with a friend.

Do you want to talk to someone? Call {lifeline} at any hour of the day.
"""
SPANISH = """---
Si no puede dormir, levántese por 20 minutos. Rentar un ventilador cuesta $5 y la oficina cierra a las 6 de la tarde. Llame al {nc211}.

- **Descanse** cuando pueda.
- Lea [esta página](https://www.example.org/rest) con alguien.

¿Quiere hablar con una persona? Llame al {lifeline} a cualquier hora del día.
"""
TITLES = {"sleep": ("Trouble sleeping", "Cuando no se puede dormir")}


def write_good_content(folder: Path) -> Path:
    for id_ in ("sleep", *CRISIS):
        section = "crisis" if id_ in CRISIS else "coping"
        english, spanish = (folder / language / section / f"{id_}.md" for language in ("en", "es"))
        titles = TITLES.get(id_, (f"Help with {id_}", f"Ayuda con {id_}"))
        text = HEAD.format(id=id_, title=titles[0], sms="Get up and rest. Call {nc211} for help.") + ENGLISH
        problems: list[Problem] = []
        page = parse_page(text, english, "en", problems)
        assert page, problems
        translates = f'translates: "{page.fingerprint}"\n'
        _write(english, text)
        _write(spanish, HEAD.format(id=id_, title=titles[1], sms="Levántese y descanse. Llame al {nc211} si quiere ayuda.") + translates + SPANISH)
        _write(english.with_suffix(".questions.txt"), f"# {id_}\ncannot rest because of {id_} tonight\nawake with {id_}\n")
        _write(spanish.with_suffix(".questions.txt"), f"no descanso con {id_} esta noche\ndespierto con {id_}\n")
    _write(folder / "contacts" / "hotlines.csv", HOTLINES)
    shutil.copy(ROOT / "content" / "blame_words.csv", folder)
    return folder


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
