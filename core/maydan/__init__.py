"""Maydan, a headless CMS framework: a small core, and use cases as plugins."""

from importlib.metadata import version

__version__ = version("maydan")
