"""Confirms as a household what its chip does not believe, and reads the resulting state."""

from click.testing import CliRunner, Result

from edge.commands.table import edge
from edge.metering.events import NoticeKind
from edge.metering.state import MeterState
from edge.vault.reader import read_vault
from tests.support.chip_bench import Bench


def confirm(bench: Bench, *options: str, answer: str | None = None) -> Result:
    arguments = ["confirm", "--dir", str(bench.directory), *options]
    return CliRunner().invoke(edge, arguments, input=answer)


def state_of(bench: Bench) -> MeterState | None:
    with read_vault(bench.directory) as vault:
        return vault.values.state()


def notice_kinds(bench: Bench) -> list[NoticeKind]:
    return [notice.kind for notice in bench.vault.values.notices()]
