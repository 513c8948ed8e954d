"""Services of HSDS from a file, a folder or an API: bounded, nothing unpacked, nothing taken on trust. Raises NotStandard."""

import asyncio
import csv
import io
import json
import zipfile
import zlib
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from bot.errors import FeedTrouble, NotStandard
from bot.feeds.asking import WHO_ASKS, Request, ask
from bot.standards.package import LISTS, TABLES, Entity, Tables, nested
from bot.standards.services import listed, text

LARGEST_FILE: Final = 20_000_000
MOST_SERVICES: Final = 10_000
_NESTED: Final = frozenset((*LISTS["service"], "attributes", "organization"))


def read_path(path: Path) -> list[Entity]:
    """A folder or a zip with the tables of a data package, or a JSON file in the API's form."""
    try:
        if path.is_dir():
            return _packaged(lambda name: _bytes(path / name) if (path / name).is_file() else None)
        raw = _bytes(path)
    except OSError as error:
        raise NotStandard("cannot-open", {"path": str(path), "reason": error.strerror or type(error).__name__}) from None
    return _zipped(raw) if raw.startswith(b"PK") else _bounded(_contents(_json(raw)))


async def read_api(url: str, *, allow_private: bool = False) -> list[Entity]:
    """All services of an API, page by page. A list that tells little of each is filled up service by service."""
    if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
        raise NotStandard("not-web", {"url": url})
    base = str(httpx.URL(url).copy_with(query=None)).rstrip("/")
    params = dict(httpx.URL(url).params)
    found: list[Entity] = []
    transport = httpx.AsyncHTTPTransport() if allow_private else PublicOnly()
    async with httpx.AsyncClient(transport=transport, headers={"user-agent": WHO_ASKS}) as client:

        async def get(address: str, **more: str) -> Any:
            try:
                return (await ask(client, Request(url=address, params={**params, **more}))).document
            except FeedTrouble as error:
                raise NotStandard("no-answer", {"url": address, "reason": error.reason}) from None

        number, last = 1, 1
        while number <= last:
            document = await get(base, page=str(number))
            page = _contents(document)
            found += [one if _NESTED & set(one) - {"organization"} else await get(f"{base}/{_id(one)}") for one in page]
            _bounded(found)
            pages = document.get("total_pages", 1) if isinstance(document, dict) else 1
            last = pages if page and isinstance(pages, int) else number
            number += 1
    return [one for one in found if isinstance(one, dict)]


class PublicOnly(httpx.AsyncHTTPTransport):
    """Calls addresses of the open internet only, and the very address that was looked at: a name that answers otherwise a moment later leads nowhere."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        host = request.url.host
        try:
            answers = await asyncio.get_running_loop().getaddrinfo(host, request.url.port or 443)
        except OSError:
            raise NotStandard("no-answer", {"url": str(request.url), "reason": "DNS"}) from None
        addresses = [ip_address(str(answer[4][0]).partition("%")[0]) for answer in answers]
        if not addresses or not all(one.is_global and not one.is_multicast for one in addresses):
            raise NotStandard("private", {"url": str(request.url)})
        request.extensions = {**request.extensions, "sni_hostname": host}
        request.url = request.url.copy_with(host=str(addresses[0]))
        return await super().handle_async_request(request)


def _id(one: Entity) -> str:
    """As a piece of a path: an id cannot lead elsewhere."""
    id_ = text(one, "id")
    if not id_ or not id_.replace("-", "").replace("_", "").isalnum():
        raise NotStandard("no-id", {"id": id_[:80]})
    return id_


def _bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        raw = file.read(LARGEST_FILE + 1)
    if len(raw) > LARGEST_FILE:
        raise NotStandard("too-large", {"file": path.name})
    return raw


def _zipped(raw: bytes) -> list[Entity]:
    """Only names that the standard knows are looked for, and nothing is written anywhere: a path in the archive leads to no place."""
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            inside = {Path(info.filename).name: info for info in archive.infolist() if not info.is_dir()}

            def member(name: str) -> bytes | None:
                if (info := inside.get(name)) is None:
                    return None
                with archive.open(info) as file:
                    content = file.read(LARGEST_FILE + 1)
                if len(content) > LARGEST_FILE:
                    raise NotStandard("too-large", {"file": name})
                return content

            return _packaged(member)
    except (zipfile.BadZipFile, zipfile.LargeZipFile, RuntimeError, NotImplementedError, OSError, EOFError, ValueError, zlib.error) as error:
        raise NotStandard("bad-zip", {"reason": type(error).__name__}) from None


def _packaged(file: Callable[[str], bytes | None]) -> list[Entity]:
    tables: Tables = {}
    for resource, (name, _) in TABLES.items():
        if (raw := file(name)) is not None:
            tables[resource] = _table(raw, name)
    if "service" not in tables:
        raise NotStandard("no-services", {"file": TABLES["service"][0]})
    _bounded(tables["service"])
    return nested(tables)


def _table(raw: bytes, name: str) -> list[Entity]:
    """Cells beyond the header belong to nothing, and are left."""
    try:
        rows = csv.DictReader(io.StringIO(raw.decode("utf-8-sig"), newline=""), restkey="")
        return [{(key or "").strip(): value for key, value in row.items() if isinstance(value, str) and value} for row in rows]
    except UnicodeDecodeError:
        raise NotStandard("not-utf8", {"file": name}) from None
    except csv.Error as error:
        raise NotStandard("bad-table", {"file": name, "reason": str(error)}) from None


def _json(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        raise NotStandard("not-json") from None


def _contents(document: Any) -> list[Entity]:
    """The services of a page, of a list, or the one that the document is."""
    if isinstance(document, dict) and "contents" in document:
        return listed(document, "contents")
    if isinstance(document, list):
        return [one for one in document if isinstance(one, dict)]
    if isinstance(document, dict) and "name" in document:
        return [document]
    raise NotStandard("no-contents")


def _bounded(services: list[Entity]) -> list[Entity]:
    if len(services) > MOST_SERVICES:
        raise NotStandard("too-many", {"most": f"{MOST_SERVICES:,}"})
    return services
