"""Locales: BCP 47 tags, what a reader's languages ask for, folding for search, and the catalogues of messages."""

from maydan.locales.folding import fold
from maydan.locales.messages import add_catalogues, message_language, translate
from maydan.locales.tags import canonical_locale, negotiate

__all__ = ["add_catalogues", "canonical_locale", "fold", "message_language", "negotiate", "translate"]
