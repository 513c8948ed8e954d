"""HSDS 3.0 out and in again: what is written is what the standard says, our own contacts come back as they were, others' wait for review, broken packages are told."""

import csv
import io
import json
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as trying
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from typer.testing import CliRunner, Result

from bot.directory.directory import Directory
from bot.directory.rows import KINDS, Row, read_rows
from bot.errors import NotStandard
from bot.feeds.placing import Placing
from bot.geo.points import CountyMap
from bot.geo.tables import Gazetteer
from bot.settings import ROOT
from bot.standards.bringing_in import Bringing, Brought
from bot.standards.columns import columns_of
from bot.standards.counties import Counties
from bot.standards.reading import read_api, read_path
from bot.standards.services import own_values, plain_values, service_of
from bot.standards.writing import as_csv, as_json, hsds_files, told, write
from bot.standards_cli import standards
from tests.conftest import NOON
from tests.doors import serving
from tests.hsds import faults

TODAY = date(2026, 12, 10)
HEADER = "id,county,name,name_es,type,organization,phone,text,email,website,address,hours,hours_es,languages,notes,notes_es,source,checked,confidence\n"
ODD = (
    "odd-1,Wake,<b>Ashe</b> &amp; co,,long_term_recovery_group,,211,898211,help@example.org,https://example.org,"
    '"1 Example Street, Suite 2, Raleigh, NC 27601",Mon-Fri 8 am-5 pm,,en;es,"Ask, then wait",,https://example.org ; https://example.org/2,2026-11-22,high\n'
)
Services = list[dict[str, Any]]


def row(**values: str) -> Row:
    return Row(kind="food-bank", county=values.get("county", "Wake"), values={"id": "one", "county": "Wake", "name": "Example Pantry", **values}, path=Path("food_banks.csv"), line=2)


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> list[Row]:
    """Every fifth of Faro's own contacts, and one that has everything."""
    folder = tmp_path_factory.mktemp("odd")
    (folder / "coalitions.csv").write_text(HEADER + ODD, encoding="utf-8")
    return [*read_rows(ROOT / "content" / "contacts")[::5], *read_rows(folder)]


@pytest.fixture(scope="module")
def package(ours: list[Row], gazetteer: Gazetteer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("package")
    write(hsds_files(ours, gazetteer.counties), folder)
    return folder


@pytest.fixture(scope="module")
def bring(gazetteer: Gazetteer) -> Callable[..., Brought]:
    counties = Counties(gazetteer, Placing(CountyMap(), gazetteer))

    def plan(services: Services, folder: Path, kind: str | None = None, source: str = "") -> Brought:
        return Bringing(counties=counties, names=frozenset(gazetteer.counties), kind=kind, source=source, today=TODAY).plan(services, folder)

    return plan


def zipped(package: Path) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../../evil.csv", "x")
        for path in package.iterdir():
            archive.write(path, f"package/{path.name}")
    return out.getvalue()


def comparable(rows: list[Row]) -> dict[str, tuple[str, dict[str, str]]]:
    return {r["id"]: (r.kind, {column: value for column, value in r.values.items() if value and column != "confidence"}) for r in rows}


def test_what_is_written_is_what_the_standard_says(package: Path) -> None:
    assert list(faults(package)) == []
    assert {path.stem for path in package.glob("*.csv")} >= {"organizations", "services", "locations", "addresses", "phones", "schedules", "service_areas", "languages", "attributes"}


def test_a_fault_in_a_package_is_found(package: Path, tmp_path: Path) -> None:
    """The validator itself."""
    for path in package.iterdir():
        text = path.read_text(encoding="utf-8")
        (tmp_path / path.name).write_text(text.replace(",active,", ",open,", 1) if path.name == "services.csv" else text.replace("WEEKLY,1", "WEEKLY,one", 1), encoding="utf-8")
    (tmp_path / "organizations.csv").write_text("id,name,description\n", encoding="utf-8")
    found = " ".join(faults(tmp_path))
    assert [part for part in ("'open' is none of", "'one' is no number", "is not in organizations.csv") if part not in found] == []


def test_a_service_has_its_county_hours_languages_and_both_languages(gazetteer: Gazetteer) -> None:
    service = service_of(row(name_es="Despensa de ejemplo", notes_es="Sin cita", hours="Mon-Fri 8:30 am-4 pm", languages="en;es", checked="2026-11-22", phone="919-555-0101 x12"), gazetteer.counties)
    assert service["service_areas"][0]["extent"] == "FIPS 37183"
    assert service["schedules"][0] | {"id": ""} == {
        "id": "",
        "description": "Mon-Fri 8:30 am-4 pm",
        "freq": "WEEKLY",
        "interval": 1,
        "byday": "MO,TU,WE,TH,FR",
        "opens_at": "08:30:00",
        "closes_at": "16:00:00",
    }
    assert [one["name"] for one in service["languages"]] == ["English", "Spanish"]
    assert (service["assured_date"], service["phones"][0]["number"], service["phones"][0]["extension"]) == ("2026-11-22", "919-555-0101", 12)
    assert {"name_es": "Despensa de ejemplo", "notes_es": "Sin cita", "kind.": "food-bank"}.items() <= own_values(service).items()
    assert plain_values(service)["phone"] == "919-555-0101 x12"


def test_the_id_of_a_contact_never_changes(gazetteer: Gazetteer) -> None:
    assert service_of(row(), gazetteer.counties)["id"] == service_of(row(name="Another name", phone="211"), gazetteer.counties)["id"] == "9e1d674e-f747-5dba-8d8d-757876863bb7"


def test_what_residents_are_not_told_does_not_go_out(ours: list[Row]) -> None:
    assert {r["confidence"] for r in ours} > {r["confidence"] for r in told(ours, all_=False)}
    assert "low" not in {r["confidence"] for r in told(ours, all_=False)}
    assert told(ours, all_=True) == ours


@pytest.mark.parametrize("form", ["folder", "zip", "json"])
def test_our_own_contacts_come_back_as_they_were(ours: list[Row], package: Path, bring: Callable[..., Brought], gazetteer: Gazetteer, tmp_path: Path, form: str) -> None:
    """All but their confidence: nobody is told them before somebody has looked."""
    (tmp_path / "p.zip").write_bytes(zipped(package))
    origin = {"folder": package, "zip": tmp_path / "p.zip", "json": package / "services.json"}[form]
    brought = bring(read_path(origin), tmp_path)
    assert brought.skipped == []
    (tmp_path / "contacts").mkdir()
    for table in brought.carried_out():
        table.path.write_text(table.text, encoding="utf-8")
    back = read_rows(tmp_path / "contacts")
    assert comparable(back) == comparable(ours)
    assert {r["confidence"] for r in back} == {"low"}
    assert not any(Directory(back, gazetteer.counties).of_county(kind, "Wake", "en", NOON).statewide for kind in KINDS.values())
    again = bring(read_path(origin), tmp_path)
    assert not again.carried_out()
    assert sum(plan.same for plan in again.plans.values()) == len(ours)


def test_a_new_table_has_the_columns_of_ours() -> None:
    for table in KINDS:
        header = (ROOT / "content" / "contacts" / f"{table}.csv").read_text(encoding="utf-8").splitlines()[0]
        assert header == ",".join(columns_of(table))


# Others' services


def foreign(id_: str = "s1", **more: object) -> dict[str, Any]:
    """What another directory says: no attribute of ours."""
    return {
        "id": id_,
        "name": "Food Pantry",
        "status": "active",
        "description": "<p>Bread &amp; milk.</p>",
        "url": "www.example.org",
        "organization": {"id": "o1", "name": "Example Church", "description": "x"},
        "phones": [{"id": "p1", "number": "555", "type": "fax"}, {"id": "p2", "number": "211", "type": "voice"}],
        "service_areas": [{"id": "a1", "name": "Yancey County"}],
        "schedules": [{"id": "h1", "freq": "WEEKLY", "byday": "MO,WE", "opens_at": "09:00", "closes_at": "12:00"}],
        "languages": [{"id": "l1", "name": "Spanish"}, {"id": "l2", "code": "en"}],
        **more,
    }


def counties_of(brought: Brought) -> list[str]:
    return [values["county"] for plan in brought.plans.values() for values in plan.added]


def test_a_service_of_others_becomes_a_row_to_review(bring: Callable[..., Brought], tmp_path: Path) -> None:
    (values,) = bring([foreign()], tmp_path, kind="food-bank").plans["food_banks"].added
    assert {column: value for column, value in values.items() if value} == {
        "id": values["id"],
        "county": "Yancey",
        "name": "Example Church: Food Pantry",
        "phone": "211",
        "website": "https://www.example.org",
        "hours": "Mon, Wed 09:00-12:00",
        "languages": "es;en",
        "notes": "Bread & milk.",
        "source": "https://www.example.org",
        "confidence": "low",
    }
    assert bring([foreign()], tmp_path, kind="coalition").plans["coalitions"].added[0]["organization"] == "Example Church"


def place(**location: object) -> dict[str, Any]:
    return {"service_areas": [], "service_at_locations": [{"id": "x", "location": {"id": "l", "location_type": "physical", **location}}]}


@pytest.mark.parametrize(
    ("where", "counties"),
    [
        ({"service_areas": [{"name": "x", "uri": "https://example.org/FIPS/37199"}]}, ["Yancey"]),
        ({"service_areas": [{"name": "x", "extent": "fips: 37199", "extent_type": "text"}]}, ["Yancey"]),
        ({"service_areas": [{"name": "x", "extent": "37199"}]}, []),  # a ZIP code of Tennessee is written so, too
        ({"service_areas": [{"name": "Buncombe, Madison and yancey counties, NC"}]}, ["Buncombe", "Madison", "Yancey"]),
        ({"service_areas": [{"name": "Madison County, TX"}]}, []),
        ({"service_areas": [{"name": "Wake County"}, {"name": "North Carolina"}]}, ["STATEWIDE"]),
        (place(latitude=35.9174, longitude="-82.3010"), ["Yancey"]),
        (place(latitude=36.1627, longitude=-86.7816), []),
        (place(latitude="north", longitude=None, addresses=[{"postal_code": "28714-1234"}]), ["Yancey"]),
        ({"service_areas": []}, []),
    ],
)
def test_the_county_is_found(bring: Callable[..., Brought], tmp_path: Path, where: dict[str, Any], counties: list[str]) -> None:
    brought = bring([foreign(**where)], tmp_path, kind="food-bank")
    assert counties_of(brought) == counties
    assert [one.why for one in brought.skipped] == ([] if counties else ["no-county"])


@pytest.mark.parametrize(
    ("change", "kind", "why"),
    [
        ({}, None, "no-kind"),
        ({"status": "defunct"}, "food-bank", "not-active"),
        ({"url": ""}, "food-bank", "no-source"),
        ({"name": "", "organization": []}, "food-bank", "no-name"),
        ({"phones": [{"number": "call us"}]}, "food-bank", "fault"),
        ({"assured_date": "2027-01-01"}, "food-bank", "fault"),
        ({"name": "n" * 1001}, "food-bank", "fault"),
    ],
)
def test_what_is_left_out_says_why_and_keeps_nothing_else_out(bring: Callable[..., Brought], tmp_path: Path, change: dict[str, Any], kind: str | None, why: str) -> None:
    services = [foreign(**change), *([foreign("s2")] if kind else [])]
    brought = bring(services, tmp_path, kind=kind)
    assert [one.why for one in brought.skipped] == [why]
    assert len(counties_of(brought)) == len(services) - 1


def test_what_a_person_has_reviewed_is_not_written_over(bring: Callable[..., Brought], tmp_path: Path) -> None:
    brought = bring([foreign()], tmp_path, kind="food-bank")
    (tmp_path / "contacts").mkdir()
    (table,) = brought.carried_out()
    table.path.write_text(table.text, encoding="utf-8")
    newer = [foreign(phones=[{"number": "988"}])]
    assert bring(newer, tmp_path, kind="food-bank").plans["food_banks"].changed[0].cells == {"phone": ("211", "988")}
    table.path.write_text(table.text.replace(",low\n", ",high\n"), encoding="utf-8")
    brought = bring(newer, tmp_path, kind="food-bank")
    assert brought.carried_out() == []
    assert [(one.why, one.values["columns"]) for one in brought.skipped] == [("reviewed", "phone: 211 -> 988")]


def test_a_table_of_ours_that_cannot_be_read_is_not_written_over(bring: Callable[..., Brought], tmp_path: Path) -> None:
    (tmp_path / "contacts").mkdir()
    (tmp_path / "contacts" / "food_banks.csv").write_bytes("id,county,name\nx,Wake,Pan de Añó\n".encode("cp1252"))
    with pytest.raises(NotStandard) as told_:
        bring([foreign()], tmp_path, kind="food-bank")
    assert told_.value.code == "own-table"


# From an API


@dataclass
class Directory211:
    """An HSDS API: a list that tells little, and each service in full. `wrong` is what it says instead."""

    services: Services
    size: int = 2
    wrong: dict[str, Response] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    @property
    def app(self) -> Starlette:
        return Starlette(routes=[Route("/services", self._page), Route("/services/{id}", self._one)])

    async def _page(self, request: Request) -> Response:
        self.asked.append(str(request.url.query))
        if (wrong := self.wrong.get(request.query_params.get("page", ""))) is not None:
            return wrong
        number = int(request.query_params["page"])
        shown = self.services[(number - 1) * self.size : number * self.size]
        little = [{"id": one["id"], "name": one["name"], "status": one["status"], "organization": one["organization"]} for one in shown]
        return JSONResponse({"total_items": len(self.services), "total_pages": -(-len(self.services) // self.size), "page_number": number, "contents": little})

    async def _one(self, request: Request) -> Response:
        return JSONResponse(next(one for one in self.services if one["id"] == request.path_params["id"]))


@pytest.fixture
def api() -> Iterator[tuple[Directory211, str]]:
    directory = Directory211([foreign(f"s{n}") for n in range(5)])
    with serving(directory.app) as url:
        yield directory, f"{url}/services"


async def test_all_pages_are_read_and_each_service_in_full(api: tuple[Directory211, str]) -> None:
    directory, url = api
    services = await read_api(f"{url}?taxonomy_term_id=x", allow_private=True)
    assert [one["id"] for one in services] == ["s0", "s1", "s2", "s3", "s4"]
    assert all(one["phones"] for one in services)
    assert directory.asked == [f"taxonomy_term_id=x&page={n}" for n in (1, 2, 3)]


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        (Response("no", status_code=500), "no-answer"),
        (Response('{"contents": ['), "no-answer"),
        (Response("[" * 100_000), "no-answer"),
        (JSONResponse({"error": "no"}), "no-contents"),
        (RedirectResponse("http://127.0.0.1/"), "no-answer"),
        (JSONResponse({"contents": [{"id": "../../admin", "name": "x"}]}), "no-id"),
        (JSONResponse({"total_pages": 10**9, "contents": [{"id": "s0", "name": "x", "phones": []}] * 6000}), "too-many"),
    ],
)
async def test_an_api_that_is_wrong_is_told(api: tuple[Directory211, str], wrong: Response, code: str) -> None:
    directory, url = api
    directory.wrong = {"1": wrong, "2": wrong}
    with pytest.raises(NotStandard) as told_:
        await read_api(url, allow_private=True)
    assert told_.value.code == code


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "10.0.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.0", "[::ffff:127.0.0.1]", "2130706433", "[fe80::1]", "224.0.0.1"])
async def test_private_networks_are_not_called(api: tuple[Directory211, str], host: str) -> None:
    directory, url = api
    with pytest.raises(NotStandard) as told_:
        await read_api(url.replace("127.0.0.1", host))
    assert (told_.value.code, directory.asked) == ("private", [])


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://example.org/services", "http://"])
async def test_only_the_web_is_called(url: str) -> None:
    with pytest.raises(NotStandard) as told_:
        await read_api(url, allow_private=True)
    assert told_.value.code == "not-web"


# Broken packages


def small(gazetteer: Gazetteer) -> dict[str, bytes]:
    rows = [row(address="1 Example Street, Raleigh, NC 27601", hours="24/7", phone="211", languages="es"), row(id="two", name="Dos", notes="á")]
    return {name: text.encode() for name, text in hsds_files(rows, gazetteer.counties).items()}


@trying(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_damaged_package_is_told_and_no_more(bring: Callable[..., Brought], gazetteer: Gazetteer, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """Cut, overwritten, a file lost, or the zip itself: a plan or a message, never anything else."""
    folder = tmp_path_factory.getbasetemp() / "damaged"
    folder.mkdir(exist_ok=True)
    files = small(gazetteer)
    name = data.draw(st.sampled_from(sorted(files)))
    junk = data.draw(st.sampled_from([b"", b"\xff\xfe", b"\x00", b'"', b",,,,,,", b"\n", b"id,id,id\n", b"{", b"[[", b'{"contents": null}', b"PK\x03\x04"]) | st.binary(max_size=20))
    at = data.draw(st.integers(0, len(files[name])))
    files[name] = files[name][:at] + junk + (files[name][at + len(junk) :] if data.draw(st.booleans()) else b"")
    for path in folder.iterdir():
        path.unlink()
    for stem, content in files.items():
        (folder / stem).write_bytes(content)
    whole = zipped(folder)
    (folder / "p.zip").write_bytes(whole[: data.draw(st.integers(0, len(whole)))] + data.draw(st.binary(max_size=10)))
    for origin in (folder, folder / "services.json", folder / "p.zip"):
        with suppress(NotStandard):
            bring(read_path(origin), folder / "no-content", kind="food-bank")


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3), max_leaves=6
)


@trying(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_whatever_stands_in_a_field_is_borne(bring: Callable[..., Brought], gazetteer: Gazetteer, tmp_path: Path, data: st.DataObject) -> None:
    service = data.draw(st.sampled_from([foreign(**place(latitude=1, addresses=[{"postal_code": "27601"}])), service_of(row(), gazetteer.counties)]))
    spots = [service, *(one for value in service.values() if isinstance(value, list) for one in value), *(value for value in service.values() if isinstance(value, dict))]
    spot = dict(data.draw(st.sampled_from(spots)))
    key = data.draw(st.sampled_from(sorted(spot)))
    broken = json.loads(json.dumps(service).replace(json.dumps(spot), json.dumps({**spot, key: data.draw(ANYTHING)}), 1))
    bring([broken], tmp_path / "no-content", kind="food-bank")


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [("x.json", b"{}", "no-contents"), ("x.json", b"x" * 20_000_001, "too-large"), ("x.zip", b"PK\x03\x04rest", "bad-zip"), ("x.json", b"[" * 100_000, "not-json"), ("no-such", None, "cannot-open")],
)
def test_a_file_that_is_none_is_told(tmp_path: Path, name: str, content: bytes | None, code: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(NotStandard) as told_:
        read_path(tmp_path / name)
    assert told_.value.code == code


def test_a_zip_that_unfolds_without_end_is_let_go(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("services.csv", b"0" * 20_000_001)
    with pytest.raises(NotStandard) as told_:
        read_path(tmp_path / "bomb.zip")
    assert told_.value.code == "too-large"


# The commands


def typed(content: Path, *words: str) -> Result:
    return CliRunner().invoke(standards, words, env={"FARO_CONTENT": str(content)}, catch_exceptions=True)


def test_the_commands(tmp_path: Path) -> None:
    content, package = tmp_path / "content", tmp_path / "package"
    (tmp_path / "services.json").write_text(json.dumps([foreign(), foreign("s2", status="defunct")]), encoding="utf-8")
    first = typed(content, "import", "hsds", str(tmp_path / "services.json"), "--kind", "food-bank", "--dry-run")
    assert (first.exit_code, content.exists()) == (0, False), first.output
    assert "new      food_banks: Yancey: Example Church: Food Pantry\nskipped  Food Pantry: its status is not active\n2 services read. New: 1." in first.output
    spanish = typed(content, "import", "hsds", str(tmp_path / "services.json"), "--kind", "food-bank", "--source", "https://example.org/list", "--lang", "es")
    assert "2 servicios leídos. Nuevos: 1." in spanish.output
    (imported,) = read_rows(content / "contacts")
    assert (imported["confidence"], imported["source"]) == ("low", "https://example.org/list")
    assert typed(content, "export", "csv").output.count("\n") == 1, "nobody is told it, so it does not go out"
    assert typed(content, "export", "hsds", str(package), "--all").exit_code == 0
    assert len(read_path(package)) == 1
    assert [one["table_kind"] for one in json.loads(typed(content, "export", "json", "--all").output)] == ["food-bank"]
    bad = typed(content, "import", "hsds", str(tmp_path / "nothing"))
    assert bad.exit_code == 1
    assert "nothing: No such file" in str(bad.exception)


def test_no_cell_is_a_formula() -> None:
    rows = [row(notes="=1+1, x", phone="+1 919 555 0101", name="@SUM(A1)")]
    cells = [cell for line in csv.reader(io.StringIO(as_csv(rows))) for cell in line]
    assert {"'=1+1, x", "'+1 919 555 0101", "'@SUM(A1)"} <= set(cells)
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]
    assert json.loads(as_json(rows))[0]["notes"] == "=1+1, x"
