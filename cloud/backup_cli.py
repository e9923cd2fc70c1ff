"""`volet cloud backup`, `restore` and `backup-key`."""

from cloud.files import COLLECTIVITY
from system.backup.cli import commands

backup, restore, backup_key = commands(COLLECTIVITY)
