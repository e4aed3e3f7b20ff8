"""Entry point: finds the command, runs it, and turns failures into one line and an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module

from maydan.cli.naming import COMMAND
from maydan.cli.parser import build_parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: The arguments after the program's name; those of the process by default.
    Returns:
        The exit code; ``docs/cli.md`` lists them.
    """
    arguments = build_parser().parse_args(argv)
    COMMAND.set(str(getattr(arguments, "command", "")))
    try:
        # The command's module is imported only now: `maydan --help` must not wait for what `serve` needs.
        module, _, function = str(arguments.run).partition(":")
        code: int = getattr(import_module(f"maydan.cli.{module}"), function)(arguments)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever read our output, such as `head`, has seen enough. Python would complain once more at its own end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except Exception as error:  # noqa: BLE001 - the last place that can turn a failure into a line for the operator
        from maydan.cli.failures import report

        return report(error)
    return code
