"""`volet trustee backup-key`: the key that backups are locked with."""

from system.backup.cli import commands
from trustee.files import TRUSTEE

backup_key = commands(TRUSTEE).backup_key
