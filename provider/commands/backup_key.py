"""`volet provider backup-key`: generate a key pair for backups."""

from provider.directory import PROVIDER
from system.backup.cli import commands

backup_key = commands(PROVIDER).backup_key
