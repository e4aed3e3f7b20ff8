"""Every route of the core, in the order of the documentation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maydan.http import (
    access_routes,
    accounts_me_routes,
    accounts_routes,
    audit_routes,
    bulk_routes,
    changes_routes,
    comments_routes,
    dead_letters_routes,
    entries_routes,
    identities_routes,
    instance_routes,
    invitations_routes,
    jobs_routes,
    locks_routes,
    members_routes,
    oidc_routes,
    query_routes,
    reference_routes,
    roles_routes,
    shares_routes,
    spaces_routes,
    tickets_routes,
    tokens_routes,
    totp_routes,
    types_routes,
    users_routes,
    versions_routes,
    webhooks_routes,
    workflow_routes,
)

if TYPE_CHECKING:
    from maydan.http.routing import Route


def core_routes() -> tuple[Route, ...]:
    """Return the core's routes."""
    modules = (
        accounts_routes,
        oidc_routes,
        accounts_me_routes,
        identities_routes,
        totp_routes,
        tokens_routes,
        tickets_routes,
        users_routes,
        spaces_routes,
        members_routes,
        invitations_routes,
        roles_routes,
        access_routes,
        types_routes,
        entries_routes,
        query_routes,
        versions_routes,
        workflow_routes,
        locks_routes,
        shares_routes,
        bulk_routes,
        comments_routes,
        changes_routes,
        audit_routes,
        webhooks_routes,
        dead_letters_routes,
        jobs_routes,
        instance_routes,
        reference_routes,
    )
    return tuple(route for module in modules for route in module.ROUTES)
