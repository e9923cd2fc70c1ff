"""`volet edge restore`: restore the chip's directory from a backup."""

from edge.commands.directory import CHIP
from edge.commands.household import HouseholdCommand
from system.backup.cli import commands

restore = commands(CHIP, HouseholdCommand).restore
