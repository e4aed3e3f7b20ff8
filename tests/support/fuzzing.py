"""Schemathesis against an application in this process: prepares an instance, runs the phases, collects what failed."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema
from schemathesis.openapi.checks import RejectedPositiveData
from site_support import ARTICLE, PERSON, Site, open_site
from soaking import is_soaking

from maydan import app
from maydan.plugins.host import PluginHost
from maydan.settings import read

EVERY: dict[str, Any] = {
    "name": "every",
    "title": "Every kind",
    "fields": [
        {"name": "name", "kind": "string", "required": True, "localized": True, "min_length": 2, "max_length": 50},
        {"name": "text", "kind": "text"},
        {"name": "rich", "kind": "richtext", "localized": True},
        {"name": "whole", "kind": "integer", "min": 0, "max": 10},
        {"name": "number", "kind": "number", "min": -1.5},
        {"name": "decimal", "kind": "decimal"},
        {"name": "money", "kind": "money"},
        {"name": "flag", "kind": "boolean", "default": False},
        {"name": "day", "kind": "date"},
        {"name": "moment", "kind": "datetime"},
        {"name": "hour", "kind": "time"},
        {"name": "choices", "kind": "enum", "values": ["a", "b"], "many": True},
        {"name": "email", "kind": "email"},
        {"name": "url", "kind": "url"},
        {"name": "phone", "kind": "phone"},
        {"name": "color", "kind": "color"},
        {"name": "data", "kind": "json"},
        {"name": "place", "kind": "geo"},
        {"name": "several", "kind": "relation", "to": ["person", "every"], "many": True, "on_delete": "nullify"},
        {
            "name": "parts",
            "kind": "component",
            "many": True,
            "of": [
                {"name": "line", "kind": "string"},
                {"name": "of", "kind": "relation", "to": ["person"], "on_delete": "nullify"},
            ],
        },
        {"name": "blocks", "kind": "blocks", "of": {"quote": [{"name": "words", "kind": "text"}]}},
        {"name": "password", "kind": "secret"},
        {"name": "note", "kind": "text", "private": True},
    ],
    "engagement": ["comments"],
}
"""A content type with a field of each kind."""

GENERAL = frozenset({"unknown_locale", "unknown_path", "not_sortable", "not_a_relation"})
"""Codes that only the document of a space can foresee: that of the instance does not know its types and locales."""

HEADERS = Mapping[str, str]
REFUSALS = [400, 401, 403, 404, 405, 409, 412, 413, 415, 422, 428, 429]
DEEP = frozenset(
    {
        "create_type", "patch_type", "put_workflow_route", "put_role", "create_webhook", "patch_webhook",
        "create_space", "patch_space", "patch_me", "create_token", "patch_user",
        "create_invitation", "accept_invitation", "simulate_access", "confirm_totp", "delete_totp",
        "register", "verify", "reset_password", "create_entry", "patch_entry", "put_entry",
    }
)  # fmt: skip
"""Operations whose bodies have rules between their parts, or name what must be there: 422 for what fits is right."""
ASKING = frozenset({"explain_access"})
"""Operations whose parameters have rules between them, or name what must be there: 400 for what fits is right."""
TOLERATED: dict[str, str] = {
    "bad_cursor": "a cursor is signed, so that no schema describes one",
    "contradiction": "offset does not go together with cursor, and parameters have no schema together",
    "repeated": "a sort that names a field in both directions",
    "not_included": "fields of a target whose relation is not in include",
    "unknown_entry": "a relation takes the id of what is there",
    "invalid_slug": "letters and normal forms of all scripts are more than a portable pattern can say",
    "unknown_value": "which events there are depends on the plugins",
    "precondition_required": "PUT needs If-Match where there is something already",
    "stale": "If-Match names a state of something that is not there",
    "idempotency_key_reused": "a key belongs to the first body that it came with",
}
"""Codes with which a request that fits the document may be refused, and why no schema can say it."""


class Prepared(NamedTuple):
    """An instance in which there is something to find."""

    url: str
    callers: dict[str, dict[str, str]]
    """Headers by the name of who calls."""
    ids: dict[str, str]
    """An entry of each type."""


def prepare(url: str) -> Prepared:
    """Fill a migrated database: a space with three types and an entry of each, an editor and an administrator."""

    async def fill() -> Prepared:
        async with open_site(url) as site:
            for definition in (PERSON, ARTICLE, EVERY):
                await site.define(definition)
            editor = await site.account("editor@example.org", "editor")
            return Prepared(url, {"anonymous": {}, "editor": editor, "administrator": site.admin}, await _fill(site))

    return asyncio.run(fill())


async def _fill(site: Site) -> dict[str, str]:
    person = await site.entry({"name": "Ann"}, type="person", publish=False)
    article = await site.entry({"title": {"en": "One", "ar": "واحد"}, "author": person["id"], "rating": 3})
    every = await site.entry({"name": "One", "several": [person["id"]]}, type="every")
    return {"person": person["id"], "article": article["id"], "every": every["id"]}


def application(prepared: Prepared) -> Any:
    """Return an application over the prepared database; whoever calls it first starts it."""
    settings = read({"database": {"url": prepared.url}, "auth": {"hash_passes": 1, "hash_memory_kib": 64}}, {})
    return app.create_app(app.create_core(settings, PluginHost.empty()), work=False)


class Run(NamedTuple):
    """What came of it."""

    failures: list[str]
    cases: int
    operations: set[str]


def run(
    application: Any,
    path: str,
    headers: HEADERS,
    *,
    phases: Mapping[str, Any],
    parameters: Mapping[str, Any] | None = None,
    wanted: Callable[[Any], bool] | None = None,
    seed: int = 1,
    report: Callable[[str], None] | None = None,
) -> Run:
    """Run the phases on the document at a path, as the caller of the headers.

    Args:
        phases: By name, with the configuration of each; the others are off.
        parameters: Values that stand for those that would be made up.
        wanted: Which operations; all when absent.
        report: Is told each failure as it happens.
    """
    off = {name: {"enabled": False} for name in ("examples", "coverage", "fuzzing", "stateful")}
    config = SchemathesisConfig.from_dict(
        {
            "seed": random.randrange(2**32) if is_soaking() else seed,
            "suppress-health-check": ["all"],
            "headers": {name.title(): value for name, value in headers.items()},
            "checks": {
                "negative_data_rejection": {"expected-statuses": REFUSALS},
                "allow_header_conformance": {"enabled": False},
            },
            "continue-on-failure": True,
            "phases": {**off, **{name: {"enabled": True, **of} for name, of in phases.items()}},
            "generation": {"deterministic": not is_soaking(), "no-shrink": True, "database": "none"},
            "parameters": dict(parameters or {}),
        }
    )
    schema = schemathesis.openapi.from_asgi(path, application, config=config, headers=dict(headers))
    if wanted is not None:
        schema = schema.include(lambda context: wanted(context.operation))
    return _collect(schema, report)


def _collect(schema: Any, report: Callable[[str], None] | None) -> Run:
    failures: dict[str, str] = {}
    operations: set[str] = set()
    cases = 0

    def filter_failure(_context: Any, failure: Any, case: Any, response: Any) -> bool:
        if isinstance(failure, RejectedPositiveData) and is_foreseen(case, response):
            return False
        told = (
            f"{failure.operation}: {failure.title}: {failure.message}\n{case.as_curl_command()}\n{response.text[:600]}"
        )
        key = f"{failure.operation} {failure.title} {response.status_code} {sorted(_codes(response))}"
        if key not in failures:
            failures[key] = told
            if report is not None:
                report(told)
        return True

    schema.hook(filter_failure)
    for event in from_schema(schema).execute():
        if isinstance(event, events.ScenarioFinished):
            cases += len(event.recorder.cases)
            operations.add(event.recorder.label)
        elif isinstance(event, events.NonFatalError | events.FatalError):
            problem = getattr(event, "value", None) or getattr(event, "exception", None)
            failures[repr(problem)] = f"{getattr(event, 'label', '')}: {problem!r}"
    return Run(list(failures.values()), cases, operations)


def is_foreseen(case: Any, response: Any) -> bool:
    """Tell whether a request that fits the document was refused for what no schema can say."""
    codes = _codes(response)
    name = str(case.operation.definition.raw.get("operationId", ""))
    is_deep = response.status_code == 422 and any(name.startswith(deep) for deep in DEEP)
    is_deep = is_deep or (response.status_code == 400 and name in ASKING)
    foreseen = GENERAL.union(TOLERATED) if "{type}" in case.operation.path else frozenset(TOLERATED)
    return bool(codes) and (is_deep or codes <= foreseen or _has_whole_float(case.body))


def _codes(response: Any) -> set[str]:
    """Return the codes of the places that a problem names, or its own where it names none."""
    try:
        problem = json.loads(response.content)
    except ValueError:
        return set()
    if not isinstance(problem, dict):
        return set()
    return {place["code"] for place in problem.get("errors", ())} or {str(problem.get("code"))}


def _has_whole_float(value: Any) -> bool:
    """Tell whether ``1.0`` stands somewhere: JSON Schema's integer, and not ours."""
    if isinstance(value, dict):
        return any(_has_whole_float(member) for member in value.values())
    if isinstance(value, list):
        return any(_has_whole_float(item) for item in value)
    return isinstance(value, float) and value.is_integer()
