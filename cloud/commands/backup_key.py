"""`volet cloud backup-key`: generate a key pair for backups."""

from cloud.commands.directory import COLLECTIVITY
from system.backup.cli import commands

backup_key = commands(COLLECTIVITY).backup_key
