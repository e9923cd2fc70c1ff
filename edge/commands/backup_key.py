"""`volet edge backup-key`: generate a key pair for backups."""

from edge.commands.directory import CHIP
from edge.commands.household import HouseholdCommand
from system.backup.cli import commands

backup_key = commands(CHIP, HouseholdCommand).backup_key
