"""A trustee's directory, driven by its commands and its core without a broker."""

import json
from contextlib import closing

import msgspec
from click.testing import CliRunner

from cloud.release.pages import cosigned_pages
from protocol.governance import draw_up
from tests.support.trustee_area import COLLECTIVITY, TrusteeArea
from trustee import directory as places
from trustee.commands.table import trustee as group
from trustee.core import TrusteeCore
from trustee.log import TrusteeLog

PASSPHRASE = "six words that nobody else has"


def run(*args):
    result = CliRunner().invoke(group, [str(each) for each in args])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.output


class TrusteePlace:
    """A trustee's directory, on a day that the test sets."""

    def __init__(self, folder, patch):
        self.folder = folder
        self.directory = folder / "trustee"
        names = ("--collectivity", COLLECTIVITY, "--name", "trustee-a", "--title", "Trustee A")
        run("init", "--dir", self.directory, *names, "--broker-host", "localhost")
        others = TrusteeArea(homes=0, far=0).identities[1:]
        identities = [places.load_identity(self.directory), *others]
        self.area = TrusteeArea(homes=2, far=0, identities=identities)
        for module in ("trustee.commands.status", "trustee.files"):
            patch.setattr(f"{module}.today_number", lambda: self.area.today)
        self.passphrase = folder / "passphrase"
        self.passphrase.write_text(PASSPHRASE)
        self.passphrase.chmod(0o600)

    def runs(self, *, teaches=True, cosigned=()):
        """Have the trustee take what it is to know, and close what has ended."""
        with closing(TrusteeLog.open(self.directory)) as kept:
            trustee = TrusteeCore(self.area.identities[0], kept, lambda: self.area.today)
            if teaches:
                self.area.teach(trustee)
            for each in cosigned:
                for page in cosigned_pages(each):
                    trustee.take(page)
            trustee.expire()

    def status(self):
        return json.loads(run("status", "--dir", self.directory, "--json"))

    def backup(self, name="backup"):
        by = ("--passphrase-file", self.passphrase)
        return run("backup", "--dir", self.directory, "--out", self.folder / name, *by)

    def restore(self, *options, name="backup"):
        by = ("--passphrase-file", self.passphrase)
        return run("restore", self.folder / name, "--dir", self.directory, *options, *by)

    def next_set(self, effective):
        changed = msgspec.structs.replace(
            self.area.set, version=2, previous=self.area.signed_set.hash, effective=effective
        )
        return self.area.signed(draw_up(changed))
