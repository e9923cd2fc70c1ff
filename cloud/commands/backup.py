"""`volet cloud backup`: write the collectivity's directory to one encrypted file."""

from cloud.commands.directory import COLLECTIVITY
from system.backup.cli import commands

backup = commands(COLLECTIVITY).backup
