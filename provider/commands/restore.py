"""`volet provider restore`: restore the provider's directory from a backup."""

from provider.directory import PROVIDER
from system.backup.cli import commands

restore = commands(PROVIDER).restore
