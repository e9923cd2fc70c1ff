"""The `volet` command: groups, exit codes, errors as one sentence.

Exit codes: 0 done; 1 refused or failed, the sentence on standard error says what and what next;
2 wrong usage; 3 a bill does not agree; 4 network or broker away, trying again is right;
5 configuration, or a file that is not what it should be; 6 a store is damaged or of another version; 130 interrupted.
"""

import os
import sys

# Before NumPy is loaded: matrices of a hundred rows gain nothing from several threads, lose tenfold
# on a busy machine, and a release must be the same bytes on one with more cores.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import click

from protocol.errors import ConfigError, FrameError, StoreError, TransportError, VoletError
from system.commands import LazyGroup
from system.console import show_likeness

volet = LazyGroup(
    "volet",
    {
        "edge": "edge.commands.table:edge",
        "cloud": "cloud.commands.table:cloud",
        "provider": "volet.provider:provider",
        "trustee": "trustee.commands.table:trustee",
        "area": "volet.area.cli:area",
    },
    "Smart metering whose load curve never leaves the home.",
)
volet = click.version_option(package_name="volet")(volet)


INTERRUPTED = 130


def exit_code(error: VoletError) -> int:
    """Give the documented exit code of an error."""
    for kind, code in ((TransportError, 4), (ConfigError, 5), (FrameError, 5), (StoreError, 6)):
        if isinstance(error, kind):
            return code
    return 1


def main() -> None:
    """Run the command; every `VoletError` becomes one sentence on standard error."""
    show_likeness(sys.stdout, sys.stderr)
    try:
        sys.exit(volet.main(prog_name="volet", standalone_mode=False))
    except click.ClickException as exc:
        exc.show()
        sys.exit(exc.exit_code)
    except click.Abort:
        sys.exit(INTERRUPTED)
    except VoletError as exc:
        click.echo(f"volet: {exc}", err=True)
        sys.exit(exit_code(exc))
    except OSError as exc:  # a directory of another user's, a full disk: for the operator
        click.echo(f"volet: {exc.filename or 'the system'}: {exc.strerror or exc}.", err=True)
        sys.exit(exit_code(ConfigError()))


if __name__ == "__main__":
    main()
