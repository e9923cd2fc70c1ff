"""`volet provider …` with `price`, which takes both sides."""

from provider.commands.provider import provider
from volet.price.cli import price

provider.add_command(price)
