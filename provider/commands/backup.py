"""`volet provider backup`: the directory, encrypted, in one file."""

from provider.directory import PROVIDER
from system.backup.cli import commands

backup = commands(PROVIDER).backup
