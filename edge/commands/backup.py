"""`volet edge backup`: write the chip's directory to one encrypted file."""

from edge.commands.directory import CHIP
from edge.commands.household import HouseholdCommand
from system.backup.cli import commands

backup = commands(CHIP, HouseholdCommand).backup
