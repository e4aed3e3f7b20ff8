"""A space: the wall around one site's content."""

from __future__ import annotations

from msgspec import Struct, field


class Space(Struct, frozen=True, kw_only=True):
    """One site: its locales, its active plugins, its defaults. Nothing in one space sees another."""

    key: int
    """Internal number, in every statement on the space's rows; never shown."""
    name: str
    title: str
    locales: tuple[str, ...]
    """BCP 47 tags, canonical case."""
    default_locale: str
    fallbacks: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    timezone: str = "UTC"
    """IANA name."""
    currency: str = "USD"
    """ISO 4217 code with a minor unit."""
    plugins: tuple[str, ...] = ()
    """Names of the plugins that are active here."""
    version: int = 1

    def chain(self, locale: str) -> tuple[str, ...]:
        """Return the locales to try, in order: itself, its fallbacks, the default locale."""
        return tuple(dict.fromkeys((locale, *self.fallbacks.get(locale, ()), self.default_locale)))
