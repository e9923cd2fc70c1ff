"""`volet cloud restore`: restore the collectivity's directory from a backup."""

from cloud.commands.directory import COLLECTIVITY
from system.backup.cli import commands

restore = commands(COLLECTIVITY).restore
