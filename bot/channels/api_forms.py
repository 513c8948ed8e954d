"""What the public API takes and gives, as models; /api/openapi.json is made from them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import models_json_schema

from bot.messages import Language

LONGEST_TEXT = 20_000
KEY_HEADER = "X-API-Key"


class Question(BaseModel):
    """What a resident says. Nothing of it is kept."""

    model_config = ConfigDict(extra="ignore")

    text: str = Field(description="In English or Spanish; of a longer text than 20,000 characters only a crisis is answered.")
    language: Language | None = Field(default=None, description="The language of the answer; without it, that of the text.")
    county: str | None = Field(default=None, max_length=60, description="The county that the question is about, when the text names none.")


class Pick(BaseModel):
    """Something to offer: what is shown, and what to send as text when it is picked. '#county:Wake' means: the same text again, with that county."""

    label: str
    says: str


class File(BaseModel):
    filename: str
    mime: str
    content: str


class Answer(BaseModel):
    """An answer that people have prepared. `as_of`: when the content that it comes from was read."""

    language: Language
    topic: str
    crisis: bool
    county: str | None
    text: str
    html: str
    choices: list[Pick]
    files: list[File]
    needs_county: bool
    as_of: datetime


class ContactOut(BaseModel):
    """One contact. `checked`: the day on which a person last confirmed it. `as_of`: of a shelter, when it was last known to be open."""

    id: str
    kind: str
    serves: Literal["county", "statewide", "neighbor"]
    county: str
    name: str
    phone: str
    text: str
    email: str
    website: str
    address: str
    hours: str
    notes: str
    checked: str
    as_of: datetime | None


class Contacts(BaseModel):
    county: str
    language: Language
    as_of: datetime
    contacts: list[ContactOut]


class Trouble(BaseModel):
    """Why there is no answer, and what to do. `counties` or `kinds`: the names that can be used."""

    error: Literal["bad_request", "no_key", "unknown_county", "unknown_kind", "too_large", "too_often", "not_here"]
    message: str
    what_to_do: str
    counties: list[str] | None = None
    kinds: list[str] | None = None


@dataclass(frozen=True, kw_only=True)
class Way:
    """One way to ask: its path, what is asked with it, what comes back."""

    method: Literal["GET", "POST"]
    path: str
    name: str
    summary: str
    query: Sequence[tuple[str, bool, dict[str, Any]]] = ()  # name, required, schema
    body: type[BaseModel] | None = None
    gives: type[BaseModel] | None = None
    troubles: Sequence[int] = ()
    open: bool = False  # needs no key


def openapi(ways: Iterable[Way], *, keyed: bool) -> dict[str, Any]:
    """The description of the API by OpenAPI 3.1."""
    models = (Question, Answer, Contacts, Trouble)
    _, schemas = models_json_schema([(model, "serialization" if model is not Question else "validation") for model in models], ref_template="#/components/schemas/{model}")
    paths: dict[str, dict[str, Any]] = {}
    for way in ways:
        paths.setdefault(way.path, {})[way.method.lower()] = _operation(way, keyed=keyed)
    security = {"securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": KEY_HEADER}}} if keyed else {}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Faro", "version": "1", "description": "Disaster resources of North Carolina in English and Spanish. Read only; nothing that is asked is kept. In an emergency call 911."},
        "paths": paths,
        "components": {"schemas": schemas["$defs"], **security},
    }


def _operation(way: Way, *, keyed: bool) -> dict[str, Any]:
    responses = {"200": _content(way.gives, "The answer.")} | {str(status): _content(Trouble, "Why there is none, and what to do.") for status in way.troubles if keyed or status != 401}
    operation: dict[str, Any] = {"operationId": way.name, "summary": way.summary, "responses": responses}
    if way.query:
        operation["parameters"] = [{"name": name, "in": "query", "required": required, "schema": schema} for name, required, schema in way.query]
    if way.body:
        operation["requestBody"] = {"required": True, **_content(way.body)}
    if keyed and not way.open:
        operation["security"] = [{"key": []}]
    return operation


def _content(model: type[BaseModel] | None, description: str | None = None) -> dict[str, Any]:
    schema = {"$ref": f"#/components/schemas/{model.__name__}"} if model else {"type": "object"}
    return ({"description": description} if description else {}) | {"content": {"application/json": {"schema": schema}}}
