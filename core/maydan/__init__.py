"""Maydan, a headless CMS framework: a small core, and use cases as plugins."""

__version__ = "0.1.0"
"""Version of the distribution; hatchling reads it from here, so that no start has to search the metadata."""
