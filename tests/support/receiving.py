"""A receiver of webhooks in a process of its own: prints its port, then of each delivery the headers and the body."""

from __future__ import annotations

import asyncio
import os

import msgspec
from webhook_receiver import Got, receiving, says  # pyright: ignore[reportMissingImports] - beside this file

ANSWERS_AFTER_S = 0.01
"""Long enough that something is always under way."""


async def take(got: Got, writer: asyncio.StreamWriter) -> None:
    """Say in one write what came, then answer, a little later."""
    os.write(1, msgspec.json.encode([got.headers, got.body.decode()]) + b"\n")
    await asyncio.sleep(ANSWERS_AFTER_S)
    await says(200)(got, writer)


async def main() -> None:
    """Receive until killed."""
    async with receiving(take) as receiver:
        os.write(1, f"{receiver.port}\n".encode())
        await asyncio.Event().wait()


asyncio.run(main())
