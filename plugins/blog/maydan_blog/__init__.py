"""A blog: posts, pages, categories, tags and authors, and the import of what WordPress exports."""

__version__ = "0.1.0"
