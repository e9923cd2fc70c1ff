"""`volet edge backup-key`: a key pair that backups can be locked with."""

from edge.commands.directory import CHIP
from edge.commands.household import HouseholdCommand
from system.backup.cli import commands

backup_key = commands(CHIP, HouseholdCommand).backup_key
