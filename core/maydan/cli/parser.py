"""The grammar of the command line. Imports nothing but argparse, so that ``--help`` answers at once."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from maydan import __version__

if TYPE_CHECKING:
    # What add_subparsers() returns has no public name.
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]


def build_parser() -> argparse.ArgumentParser:
    """Return the parser; each command sets ``run`` to ``module:function`` inside ``maydan.cli``."""
    parser = argparse.ArgumentParser(
        prog="maydan", description="Maydan, a headless CMS. Settings are read from maydan.toml in this folder."
    )
    parser.add_argument("--version", action="version", version=f"maydan {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_instance(commands)
    _add_serving(commands)
    _add_plugins(commands)
    _add_users(commands)
    _add_erasing(commands)
    _add_content(commands)
    _add_jobs(commands)
    _add_events(commands)
    _add_schema(commands)
    _add_audit(commands)
    _add_access(commands)
    return parser


def _command(commands: Commands, name: str, run: str, words: str) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=words, description=words[:1].upper() + words[1:] + ".")
    parser.set_defaults(run=run, command=parser.prog)
    return parser


def _group(commands: Commands, name: str, words: str) -> Commands:
    parser = commands.add_parser(name, help=words, description=words[:1].upper() + words[1:] + ".")
    return parser.add_subparsers(title="commands", metavar="COMMAND", required=True)


def _flag(parser: argparse.ArgumentParser, name: str, words: str) -> None:
    parser.add_argument(name, action="store_true", help=words)


def _add_instance(commands: Commands) -> None:
    init = _command(commands, "init", "init:run", "write maydan.toml, migrate, and create the first administrator")
    init.add_argument("--admin-email", required=True, metavar="E", help="address of the first administrator")
    init.add_argument("--admin-password", metavar="P", help="their password; asked for when left out")
    init.add_argument("--database", metavar="URL", help="sqlite:///maydan.db (default), or postgresql://…")
    init.add_argument("--plugins", metavar="A,B", help="plugins to enable, separated by commas")
    migrate = _command(commands, "migrate", "migrate:run", "bring the database up to date with the code")
    _flag(migrate, "--check", "change nothing; exit 3 when migrations are pending")
    _flag(migrate, "--plan", "change nothing; print what would run")
    _flag(migrate, "--allow-drop", "go on where entries would lose values, because a plugin's types changed")


def _add_serving(commands: Commands) -> None:
    serve = _command(commands, "serve", "serve:run", "serve the API and run the background work")
    serve.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    serve.add_argument("--port", type=_port, default=8000, help="port to listen on (default: %(default)s)")
    serve.add_argument("--workers", type=_count, default=1, metavar="N", help="processes (default: %(default)s)")
    _flag(serve, "--no-worker", "leave the background work to `maydan worker`")
    _command(commands, "worker", "serve:run_worker", "run only the background work")
    demo = _command(
        commands, "demo", "demo:run", "create ./demo with real content in every installed plugin, and serve it"
    )
    demo.add_argument("--port", type=_port, default=8000, help="port to listen on (default: %(default)s)")
    _flag(demo, "--reset", "throw the old demo away first")


def _add_plugins(commands: Commands) -> None:
    plugins = _group(commands, "plugins", "list, check, enable and disable plugins")
    listing = _command(plugins, "list", "plugins:run_list", "list the installed plugins and their states")
    _flag(listing, "--json", "print JSON")
    check = _command(plugins, "check", "plugins:run_check", "load plugins by themselves and report what is wrong")
    check.add_argument("path", nargs="?", metavar="PATH", help="folder of one plugin; all installed ones by default")
    _flag(check, "--json", "print JSON")
    for name, words in (("enable", "add a plugin to maydan.toml"), ("disable", "take a plugin out of maydan.toml")):
        change = _command(plugins, name, f"plugins:run_{name}", words)
        change.add_argument("name", metavar="NAME")
    new = _command(commands, "new-plugin", "new_plugin:run", "write ./maydan-NAME, a plugin that passes its own tests")
    new.add_argument("name", metavar="NAME")


def _add_users(commands: Commands) -> None:
    users = _group(commands, "user", "administer accounts")
    create = _command(users, "create", "users:run_create", "create an account whose address counts as verified")
    create.add_argument("email", metavar="EMAIL")
    create.add_argument("--password", metavar="P", help="asked for when left out")
    create.add_argument("--name", default="", help="shown to others")
    _flag(create, "--administrator", "may do everything in every space")
    listing = _command(users, "list", "users:run_list", "list the accounts")
    _flag(listing, "--json", "print JSON")
    reset = _command(users, "reset-password", "users:run_reset_password", "set a new password and end all sessions")
    reset.add_argument("email", metavar="EMAIL")
    reset.add_argument("--password", metavar="P", help="asked for when left out")
    unlock = _command(users, "unlock", "users:run_unlock", "forget failed logins and lift a suspension")
    unlock.add_argument("email", metavar="EMAIL")
    _flag(unlock, "--totp", "also remove the second factor, for somebody who lost it")


def _add_erasing(commands: Commands) -> None:
    erase = _command(commands, "erase", "erase:run", "erase a person's data for good")
    erase.add_argument("person", metavar="PERSON", help="the account's address or id")
    _flag(erase, "--dry-run", "change nothing; print what would be erased")
    erase.add_argument(
        "--comments", choices=("blank", "delete"), default="blank", help="what becomes of them (default: %(default)s)"
    )
    _flag(erase, "--keep-content", "leave the address in entries and their versions")
    _flag(erase, "--json", "print JSON")


def _add_content(commands: Commands) -> None:
    importing = _command(commands, "import", "imports:run", "bring content in from a file")
    importing.add_argument("format", metavar="FORMAT", help="offered by an enabled plugin, such as wordpress")
    importing.add_argument("path", metavar="PATH")
    importing.add_argument("--space", required=True, metavar="S", help="name of the space")
    _flag(importing, "--dry-run", "store nothing; print what would be done")
    importing.add_argument(
        "--option", action="append", default=[], type=_pair, metavar="NAME=VALUE", help="passed to the importer"
    )
    openapi = _command(commands, "openapi", "openapi:run", "print the OpenAPI document")
    openapi.add_argument("--space", metavar="S", help="with this space's content types, as its administrator sees them")


def _add_schema(commands: Commands) -> None:
    schema = _group(commands, "schema", "write, compare and change content types as a file")
    dump = _command(schema, "dump", "schema:run_dump", "print the content types that were defined in spaces, as JSON")
    dump.add_argument("--space", metavar="S", help="only this space's; those of all spaces by default")
    plan = _command(schema, "plan", "schema:run_plan", "print what applying a file would change")
    plan.add_argument("file", metavar="FILE", help="as `maydan schema dump` prints it; - is the standard input")
    _flag(plan, "--check", "exit 3 when anything would change")
    apply = _command(schema, "apply", "schema:run_apply", "change the content types to what a file says, all or none")
    apply.add_argument("file", metavar="FILE", help="as `maydan schema dump` prints it; - is the standard input")
    _flag(apply, "--allow-drop", "go on where types, fields or values are lost")


def _add_audit(commands: Commands) -> None:
    audit = _group(commands, "audit", "check who did what")
    _command(audit, "verify", "audit:run_verify", "check every link of the audit's chains")


def _add_access(commands: Commands) -> None:
    access = _group(commands, "access", "find out who may do what")
    _add_policy_files(access)
    explain = _command(access, "explain", "access:run_explain", "say what somebody may do, and which policies say so")
    explain.add_argument("--space", required=True, metavar="S", help="name of the space")
    explain.add_argument("--action", required=True, metavar="A", help="such as read, update or manage:roles")
    explain.add_argument("--type", metavar="T", help="content type; left out for what is not about one")
    explain.add_argument("--id", metavar="ENTRY", help="an entry's id or slug")
    explain.add_argument("--field", metavar="F", help="one field of the type")
    about = explain.add_mutually_exclusive_group(required=True)
    about.add_argument("--user", metavar="U", help="an account's address or id")
    about.add_argument("--role", action="append", metavar="R", help="anybody with this role; may be repeated")
    _flag(explain, "--json", "print JSON")


def _add_policy_files(access: Commands) -> None:
    export = _command(access, "export", "access:run_export", "print the roles of a space in Casbin's format")
    what = export.add_mutually_exclusive_group(required=True)
    what.add_argument("--space", metavar="S", help="name of the space")
    what.add_argument("--model", action="store_true", help="print Casbin's model for the policies instead")
    export.add_argument("-o", dest="output", metavar="FILE", help="where to write it; the standard output by default")
    taken = _command(access, "import", "access:run_import", "write the roles that such a file names, all or none")
    taken.add_argument("file", metavar="FILE", help="as `maydan access export` writes it; - is the standard input")
    taken.add_argument("--space", required=True, metavar="S", help="name of the space")
    _flag(taken, "--dry-run", "check everything, and change nothing")


def _add_jobs(commands: Commands) -> None:
    jobs = _group(commands, "jobs", "look at what is done later")
    listing = _command(jobs, "list", "jobs:run_list", "list what waits, runs and has failed")
    listing.add_argument("--space", metavar="S", help="only of this space")
    states = ("waiting", "running", "done", "failed", "cancelled")
    listing.add_argument("--status", choices=states, help="only these, also what is done or cancelled")
    listing.add_argument("--limit", type=_count, default=100, metavar="N", help="at most (default: %(default)s)")
    _flag(listing, "--json", "print JSON")


def _add_events(commands: Commands) -> None:
    events = _group(commands, "events", "look at who follows the log, and have events handed over again")
    listing = _command(events, "list", "events:run_list", "list the subscribers of the log and what waits for each")
    _flag(listing, "--json", "print JSON")
    replay = _command(events, "replay", "events:run_replay", "hand the events after a position over again")
    replay.add_argument("name", metavar="NAME", help="the subscriber, as `maydan events list` names it")
    replay.add_argument("--after", type=_position, required=True, metavar="POSITION", help="0 is the start of the log")


def _port(text: str) -> int:
    return _between(text, 0, 65_535)


def _count(text: str) -> int:
    return _between(text, 1, 1_000)


def _position(text: str) -> int:
    return _between(text, 0, 2**63 - 1)


def _between(text: str, low: int, high: int) -> int:
    if not text.isascii() or not text.isdigit() or not low <= int(text) <= high:
        message = f"expected a whole number from {low} to {high}, got {text!r}"
        raise argparse.ArgumentTypeError(message)
    return int(text)


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        message = f"expected NAME=VALUE, got {text!r}"
        raise argparse.ArgumentTypeError(message)
    return name, value
