"""Every route of the core, in the order of the documentation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maydan.http import (
    comments_routes,
    entries_routes,
    instance_routes,
    reference_routes,
    spaces_routes,
    types_routes,
)

if TYPE_CHECKING:
    from maydan.http.routing import Route


def core_routes() -> tuple[Route, ...]:
    """Return the core's routes."""
    return (
        *spaces_routes.ROUTES,
        *types_routes.ROUTES,
        *entries_routes.ROUTES,
        *comments_routes.ROUTES,
        *instance_routes.ROUTES,
        *reference_routes.ROUTES,
    )
