"""`volet cloud backup`: the directory, encrypted, in one file."""

from cloud.commands.directory import COLLECTIVITY
from system.backup.cli import commands

backup = commands(COLLECTIVITY).backup
