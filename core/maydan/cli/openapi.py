"""``maydan openapi``: the OpenAPI document on stdout, for generators of clients."""

from __future__ import annotations

import argparse
import asyncio
import sys
from typing import TYPE_CHECKING, Any

import msgspec

from maydan.access.actors import system
from maydan.cli.failures import CommandFailed
from maydan.cli.instance import load_settings
from maydan.cli.opening import load_host, opened_core
from maydan.http.openapi import build_document, build_space_document
from maydan.http.surface import core_routes
from maydan.settings import Settings, suggest

if TYPE_CHECKING:
    from maydan.http.routing import Route
    from maydan.plugins.host import PluginHost


def run(arguments: argparse.Namespace) -> int:
    """Print the document of all routes, or of one space with its content types."""
    settings = load_settings()
    if arguments.space is None:
        host = load_host(settings)
        document = build_document(_routes(host), events=host.event_types().values())
    else:
        document = asyncio.run(_of_space(settings, arguments.space))
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n")
    return 0


async def _of_space(settings: Settings, name: str) -> dict[str, Any]:
    async with opened_core(settings) as core:
        space = await core.registry.find_space(name)
        if space is None:
            raise CommandFailed(
                f"there is no space {name}{suggest(name, [each.name for each in core.registry.spaces()])}"
            )
        snapshot = await core.snapshots.get(space)
        types = core.registry.types(space)
        events = core.host.event_types(space).values()
        return build_space_document(_routes(core.host), space, types, snapshot, system("maydan openapi"), events=events)


def _routes(host: PluginHost) -> list[Route]:
    brought = [route for registered in host.registered().values() for route in registered.routes]
    return [*core_routes(), *brought]  # pyright: ignore[reportReturnType] - the host checked that they are routes
