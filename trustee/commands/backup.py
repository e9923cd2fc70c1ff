"""`volet trustee backup`: write the trustee's directory to one encrypted file."""

from system.backup.cli import commands
from trustee.files import TRUSTEE

backup = commands(TRUSTEE).backup
