"""`volet trustee restore`: restore the trustee's directory from a backup."""

from system.backup.cli import commands
from trustee.files import TRUSTEE

restore = commands(TRUSTEE).restore
