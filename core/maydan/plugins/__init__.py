"""The plugin host: manifests, discovery, order, the dispatcher with one typed method per hook, each plugin's health.

``app`` loads it, ``operations`` and ``http`` call its ``Hooks``; it is the only room that knows pluggy.
"""
