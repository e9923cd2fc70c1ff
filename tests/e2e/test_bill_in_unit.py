"""A bill is laid out within the limits of the chip's unit, by a process that it starts."""

import json

import msgspec
import pytest

from edge.bills.document import compose
from edge.language.choice import Lang
from tests.e2e.test_units_hold import CHIP, OPTIONS, PATHS, PYTHON, make, prepare, replace
from tests.support.booted import booted, skip_without_containers
from tests.unit.bills.test_bill_document import judged, papers

pytestmark = [pytest.mark.long, pytest.mark.timeout(1_800)]

PANGO = ("libpango-1.0-0", "libpangoft2-1.0-0", "libharfbuzz-subset0", "fonts-dejavu-core")
# In the chip's place: asks its printer as the door does, and tells what became of it.
PROGRAM = f"""
import json, sys, time
paths = {PATHS.split(":")!r}
sys.path[:0] = paths
from pathlib import Path
from edge.bills.sheet import BillDocument
from edge.household.printing import BillPrinter
from protocol.json_text import read_json

draw = f"import sys; sys.path[:0] = {{paths!r}}; from edge.bills.drawing import main; main()"
printer = BillPrinter((sys.executable, "-c", draw))
bill = read_json(Path("/srv/bill.json").read_bytes(), BillDocument)
pdf = None
while pdf is None:
    pdf = printer.pdf("bill", lambda: bill)
    time.sleep(0.1)
Path("/var/lib/volet/told").write_text(json.dumps([pdf[:5].decode(), len(pdf)]))
"""


def test_the_unit_lets_its_chip_lay_out_a_bill(tmp_path):
    skip_without_containers()
    root = tmp_path / "root"
    make(root, *PANGO)
    document = compose(judged(), papers(), Lang.FR)
    (root / "srv/bill.json").write_bytes(msgspec.json.encode(document))
    (root / "srv/bill.py").write_text(PROGRAM)
    with booted(root, tmp_path / "console.log", *OPTIONS) as machine:
        prepare(machine)
        one = ["[Service]", "Type=oneshot", "Restart=no", "WatchdogSec=0", "ExecStart="]
        replace(machine, CHIP, [*one, f"ExecStart={PYTHON} /srv/bill.py"])
        machine.run("systemctl", "start", CHIP)
        done = machine.run("cat", "/var/lib/volet/told")
        assert done.returncode == 0, machine.run("journalctl", "-u", CHIP).stdout
        kind, size_bytes = json.loads(done.stdout)
        assert kind == "%PDF-"
        assert size_bytes > 5_000
        assert machine.run("ls", "-A", "/var/lib/volet").stdout.split() == ["planted", "told"]
