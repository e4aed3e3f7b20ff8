"""PostgreSQL through asyncpg: a bounded pool, and batches that are one statement; private to ``storage``.

``store`` is the port; ``combining`` makes one statement of a batch; ``pool`` hands out connections; ``listening``
hears what other processes commit; ``piccolo`` is the engine for Piccolo's tables.
"""
