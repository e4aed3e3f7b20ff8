"""SQLite: one writer connection per process, whose transactions share commits, and readers; private to ``storage``.

``store`` is the port; ``writing`` takes turns and commits groups; ``reading`` reads on the event loop, and in
threads what takes longer; ``lock`` keeps processes apart; ``piccolo`` is the engine for Piccolo's tables.
"""
