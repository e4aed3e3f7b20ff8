"""The content types of a blog."""

from __future__ import annotations

from typing import Final

POST_FORMATS: Final = (
    "standard", "aside", "audio", "chat", "gallery", "image", "link", "quote", "status", "video",
)  # fmt: skip
"""How a post wants to be shown; WordPress' list, the ordinary one first."""
