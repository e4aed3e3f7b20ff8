"""What plugins import of Maydan, and nothing else: one door, with a version of its own (``HOOK_API``).

.. code-block:: python

    from maydan.plugin import Answer, Call, HookRefused, content_type, hookimpl, route

    @hookimpl
    def register_content_types():
        return [content_type(Ticket)]

    @hookimpl
    async def check_entry_publish(entry):
        if entry.type == "tickets.ticket" and not entry.fields.get("seat"):
            raise HookRefused("A ticket needs a seat before it is published.")

``hookspecs.py`` has the hooks. Additions raise the second number of ``HOOK_API``, anything else the first; a test
holds every signature here against a snapshot.
"""

from __future__ import annotations

from maydan.access.actions import Action
from maydan.access.actors import Actor
from maydan.access.policies import PolicyInput
from maydan.accounts.mail import Mailer
from maydan.accounts.settings import MailSettings
from maydan.content.declare import (
    Asset,
    Color,
    Email,
    Entry,
    Geo,
    Json,
    Phone,
    RichText,
    Secret,
    Text,
    Url,
    content_type,
    options,
    relation,
)
from maydan.content.slugs import slugify
from maydan.content.spaces import Space
from maydan.content.types import ContentType, Field, Kind, SetFields, Transition, Workflow
from maydan.errors import (
    BadParameter,
    Conflict,
    Forbidden,
    HookRefused,
    InputError,
    InvalidInput,
    Malformed,
    MaydanError,
    NotFound,
    PreconditionRequired,
    Stale,
    TooManyRequests,
    Unavailable,
)
from maydan.events.jobs import Job, NewJob, Obsolete, cancel_statement, job_statement
from maydan.events.kinds import EventType
from maydan.hookspecs import hookimpl
from maydan.http.answers import Answer, Cache
from maydan.http.call import Call
from maydan.http.routing import (
    ADMINISTRATOR,
    BY_OPERATION,
    LOGGED_IN,
    PUBLIC,
    AnyQuery,
    NoQuery,
    PageQuery,
    Parameter,
    Route,
    StreamQuery,
    route,
)
from maydan.http.streams import Stream
from maydan.http.streams_frames import stream_frame
from maydan.http.streams_outlet import Outlet
from maydan.ids import new_id
from maydan.locales import fold
from maydan.money import Money
from maydan.operations import entries
from maydan.operations.core import Caller, Core, as_system
from maydan.operations.entries import EntryView
from maydan.operations.scopes import Scope, scope_of
from maydan.operations.transitions import transition
from maydan.plugins.declarations import DemoContent, DemoEntry, Health, JobKind, Role
from maydan.plugins.importers import ImportedComment, Importer, ImportSummary, ImportTarget, Outcome, Skipped
from maydan.plugins.versions import HOOK_API
from maydan.plugins.views import CommentState, EntryState
from maydan.storage.log import Event, LoggedEvent, event_statement
from maydan.storage.migrations import Migration, Step
from maydan.storage.ports import Statement

__all__ = [
    "ADMINISTRATOR",
    "BY_OPERATION",
    "HOOK_API",
    "LOGGED_IN",
    "PUBLIC",
    "Action",
    "Actor",
    "Answer",
    "AnyQuery",
    "Asset",
    "BadParameter",
    "Cache",
    "Call",
    "Caller",
    "Color",
    "CommentState",
    "Conflict",
    "ContentType",
    "Core",
    "DemoContent",
    "DemoEntry",
    "Email",
    "Entry",
    "EntryState",
    "EntryView",
    "Event",
    "EventType",
    "Field",
    "Forbidden",
    "Geo",
    "Health",
    "HookRefused",
    "ImportSummary",
    "ImportTarget",
    "ImportedComment",
    "Importer",
    "InputError",
    "InvalidInput",
    "Job",
    "JobKind",
    "Json",
    "Kind",
    "LoggedEvent",
    "MailSettings",
    "Mailer",
    "Malformed",
    "MaydanError",
    "Migration",
    "Money",
    "NewJob",
    "NoQuery",
    "NotFound",
    "Obsolete",
    "Outcome",
    "Outlet",
    "PageQuery",
    "Parameter",
    "Phone",
    "PolicyInput",
    "PreconditionRequired",
    "RichText",
    "Role",
    "Route",
    "Scope",
    "Secret",
    "SetFields",
    "Skipped",
    "Space",
    "Stale",
    "Statement",
    "Step",
    "Stream",
    "StreamQuery",
    "Text",
    "TooManyRequests",
    "Transition",
    "Unavailable",
    "Url",
    "Workflow",
    "as_system",
    "cancel_statement",
    "content_type",
    "entries",
    "event_statement",
    "fold",
    "hookimpl",
    "job_statement",
    "new_id",
    "options",
    "relation",
    "route",
    "scope_of",
    "slugify",
    "stream_frame",
    "transition",
]
