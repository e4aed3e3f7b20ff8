"""The OpenAPI 3.1 document, made from the same routes that the kernel runs, so that it says what the server does."""

from __future__ import annotations

from maydan.http.openapi.document import build_document
from maydan.http.openapi.shapes import Page
from maydan.http.openapi.sights import sights_of
from maydan.http.openapi.spaces import build_space_document, offered_routes, write_space_document

__all__ = [
    "Page",
    "build_document",
    "build_space_document",
    "offered_routes",
    "sights_of",
    "write_space_document",
]
