"""`volet provider backup`: write the provider's directory to one encrypted file."""

from provider.directory import PROVIDER
from system.backup.cli import commands

backup = commands(PROVIDER).backup
