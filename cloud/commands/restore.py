"""`volet cloud restore`: a directory put back from a backup."""

from cloud.commands.directory import COLLECTIVITY
from system.backup.cli import commands

restore = commands(COLLECTIVITY).restore
