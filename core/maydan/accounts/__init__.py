"""Accounts and what hangs on them: passwords, sessions, API tokens, members, roles and the mail that goes out.

Services over a ``Store``; ``http`` calls them, the authenticator turns a bearer token into an actor.
"""
