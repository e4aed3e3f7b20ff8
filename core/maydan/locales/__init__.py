"""Locales: BCP 47 tags, what a reader's languages ask for, folding for search, and the catalogues of messages."""

from maydan.locales.folding import fold

__all__ = ["fold"]
