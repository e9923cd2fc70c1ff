"""`volet edge backup`, `restore` and `backup-key`."""

from edge.files import CHIP
from edge.household_command import HouseholdCommand
from system.backup.cli import commands

backup, restore, backup_key = commands(CHIP, HouseholdCommand)
