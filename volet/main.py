"""The `volet` command: groups, exit codes, and errors as one sentence.

Exit codes: 0 done; 1 refused or failed, and the sentence on standard error names the next step; 2
wrong usage; 3 a bill does not agree; 4 the network or the broker is unavailable, so try again; 5
configuration, or an invalid file; 6 a store is damaged or of another version; 130 interrupted.
"""

import os
import sys
from pathlib import Path

# Set before NumPy is loaded: matrices of a hundred rows gain nothing from several threads and are
# ten times slower on a busy machine, and a release must be the same bytes on any number of cores.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import click

import system.bare_structlog  # noqa: F401 - before anything loads structlog
from protocol.errors import ConfigError, FrameError, StoreError, TransportError, VoletError
from system.commands import LazyGroup
from system.console import literal, show_likeness
from system.files import typed_by
from system.secret_memory import protect_memory

volet = LazyGroup(
    "volet",
    {
        "edge": "edge.commands.table:edge",
        "cloud": "cloud.commands.table:cloud",
        "provider": "volet.provider:provider",
        "trustee": "trustee.commands.table:trustee",
        "monitor": "monitor.commands.table:monitor",
        "area": "volet.area.cli:area",
        "software": "volet.software.cli:software",
    },
    "Smart metering whose load curve never leaves the home.",
)
volet = click.version_option(package_name="volet")(volet)


INTERRUPTED = 130


def exit_code(error: VoletError) -> int:
    """Return the documented exit code of an error."""
    for kind, code in ((TransportError, 4), (ConfigError, 5), (FrameError, 5), (StoreError, 6)):
        if isinstance(error, kind):
            return code
    return 1


def main() -> None:
    """Run the command; print every `VoletError` as one sentence on standard error."""
    protect_memory()
    show_likeness(sys.stdout, sys.stderr)
    try:
        sys.exit(volet.main(prog_name="volet", standalone_mode=False))
    except click.ClickException as exc:
        exc.show()
        sys.exit(exc.exit_code)
    except click.Abort:
        sys.exit(INTERRUPTED)
    except VoletError as exc:
        click.echo(f"volet: {literal(str(exc))}", err=True)
        sys.exit(exit_code(exc))
    except OSError as exc:  # such as another user's directory or a full disk
        where = literal(str(exc.filename or "the system"))
        who = typed_by(Path(str(exc.filename)), exc) if exc.filename else ""
        click.echo(f"volet: {where}: {exc.strerror or exc}{literal(who)}.", err=True)
        sys.exit(exit_code(ConfigError()))


if __name__ == "__main__":
    main()
