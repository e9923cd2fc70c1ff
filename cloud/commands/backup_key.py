"""`volet cloud backup-key`: a key pair that backups can be locked with."""

from cloud.commands.directory import COLLECTIVITY
from system.backup.cli import commands

backup_key = commands(COLLECTIVITY).backup_key
