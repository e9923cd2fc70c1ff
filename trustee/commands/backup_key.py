"""`volet trustee backup-key`: generate a key pair for backups."""

from system.backup.cli import commands
from trustee.files import TRUSTEE

backup_key = commands(TRUSTEE).backup_key
