"""`volet provider restore`: a backup put back."""

from provider.directory import PROVIDER
from system.backup.cli import commands

restore = commands(PROVIDER).restore
