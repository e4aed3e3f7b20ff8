"""The HTTP surface: routes as data, the kernel that runs them, problem details, conditional requests, idempotency and
OpenAPI. The only room that knows a status code; ``app.py`` builds the application here, operations do the work.
"""
