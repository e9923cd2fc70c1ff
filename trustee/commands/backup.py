"""`volet trustee backup`: the directory, encrypted, in one file."""

from system.backup.cli import commands
from trustee.files import TRUSTEE

backup = commands(TRUSTEE).backup
