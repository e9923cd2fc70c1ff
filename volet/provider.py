"""`volet provider …` with `price`, which takes both sides."""

from cloud.provider_cli import provider
from volet.price.cli import price

provider.add_command(price)
