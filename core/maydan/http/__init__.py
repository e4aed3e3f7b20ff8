"""The HTTP surface, the only room that knows a status code.

Routes are data, and the kernel runs them: strict reading, who calls, where, conditional requests, idempotency, problem
details; OpenAPI comes from the same declarations. ``app.py`` builds the application here; operations do the work.
"""
