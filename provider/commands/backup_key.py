"""`volet provider backup-key`: the key that backups are locked with."""

from provider.directory import PROVIDER
from system.backup.cli import commands

backup_key = commands(PROVIDER).backup_key
