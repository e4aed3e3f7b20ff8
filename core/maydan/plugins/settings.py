"""What an integrator may set about plugins."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field


class PluginSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The ``[plugins]`` table of ``maydan.toml``; a plugin's own settings are in a table of the plugin's name."""

    enabled: tuple[str, ...] = ()
    """Names of the plugins that this deployment loads; installed is not enabled. Each space switches them on for
    itself."""
    strict: bool = False
    """Stop the start when a plugin cannot be loaded, as in continuous integration; otherwise the rest serve."""
    providers: Mapping[str, str] = field(default_factory=dict[str, str])
    """Which plugin wins where several offer the same ``provide_`` hook: ``{ provide_mailer = "postmark" }``."""
