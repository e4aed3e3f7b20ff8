"""Every promise between the core and its plugins."""
