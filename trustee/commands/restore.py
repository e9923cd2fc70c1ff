"""`volet trustee restore`: a backup put back."""

from system.backup.cli import commands
from trustee.files import TRUSTEE

restore = commands(TRUSTEE).restore
