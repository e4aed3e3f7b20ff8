"""Outbound: the one client through which this instance asks other servers for anything.

Whoever takes a URL from somebody (a webhook, a link to preview, a provider to log in with) sends the request here. A
name is resolved once, every address that it has is judged, and the connection goes to exactly such an address, so that
nobody reaches from the outside, through us, what only we can reach.
"""

from __future__ import annotations

from maydan.events.outbound.client import Answered, Outbound
from maydan.events.outbound.failures import OutboundFailed
from maydan.events.outbound.urls import Target, UrlRefused, read_url

__all__ = ["Answered", "Outbound", "OutboundFailed", "Target", "UrlRefused", "read_url"]
