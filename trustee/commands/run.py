"""`volet trustee run`: run the program that answers the release worker."""

import asyncio
import signal
from datetime import UTC, datetime
from pathlib import Path

import click
import msgspec

from system.certificates import CertificateWatch
from system.commands import directory_option
from system.program import begin_program, run_program
from system.set_aside import FILE_NAME as SET_ASIDE
from system.set_aside import SetAside
from trustee import directory as trustee_directory
from trustee.core import TrusteeCore
from trustee.log import TrusteeLog
from trustee.service import TrusteeProgram

_dir = directory_option(trustee_directory.DEFAULT_DIRECTORY, "The trustee's")


@click.command()
@_dir
def run(directory: Path) -> None:
    """Answer the release worker until stopped.

    SIGTERM or Ctrl-C ends it; a kill loses nothing either. Exit codes: 0 stopped, 2 wrong usage,
    5 configuration, 6 the database is damaged or of another version.
    """
    begin_program()
    run_program(_serve(directory))


async def _serve(directory: Path) -> None:
    identity = trustee_directory.load_identity(directory)
    settings = trustee_directory.link_settings(directory)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    trustee_log = TrusteeLog.open(directory)
    try:
        watch = CertificateWatch(
            lambda: trustee_directory.lifetimes(directory), lambda: datetime.now(UTC)
        )
        async with watch.beside():
            set_aside = SetAside(directory / SET_ASIDE)
            core = TrusteeCore(
                identity,
                trustee_log,
                set_aside=set_aside,
                roots=trustee_directory.load_roots(directory),
            )
            keys = core.documents.keys
            settings = msgspec.structs.replace(settings, key_list=lambda: keys.known)
            await TrusteeProgram(core, settings).run(stop)
    finally:
        trustee_log.close()
