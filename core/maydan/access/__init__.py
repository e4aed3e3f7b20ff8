"""Who may do what: actors, actions, policies and their compiled snapshots. Pure: no I/O, called by every operation."""
