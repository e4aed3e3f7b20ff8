"""The yardstick: a Litestar application that returns bytes it holds, under the same server as Maydan.

Each file of the folder in ``BENCH_BODIES`` is answered under its name: ``by-id.json`` at ``/by-id``.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import uvicorn
from litestar import Litestar, get
from litestar.handlers import HTTPRouteHandler


def build(folder: Path) -> Litestar:
    """Return the application for a folder of bodies."""
    handlers = [_handler(path.stem, path.read_bytes()) for path in sorted(folder.glob("*.json"))]
    return Litestar(handlers, logging_config=None, openapi_config=None)


def _handler(name: str, body: bytes) -> HTTPRouteHandler:
    async def answer() -> bytes:
        return body

    return get(f"/{name}", media_type="application/json")(answer)


def main(port: int) -> None:
    """Serve with the options of ``maydan serve``."""
    app = build(Path(os.environ["BENCH_BODIES"]))
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=port,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        access_log=False,
        log_level="warning",
        server_header=False,
        date_header=True,
        proxy_headers=False,
    )


if __name__ == "__main__":
    main(int(sys.argv[1]))
