"""The chip's program with the old fault: `python -m tests.support.restart_sabotage edge run …`.

Lanes resume their work in their constructors, and look up listed documents through a chip that does
not exist before the lanes do.
"""

import sys

from edge.bills.receipt_lane import ReceiptLane
from edge.chip.chip import Chip
from edge.contracts.listed import Contracts
from volet.main import main


class Agent:
    """Holds the chip, once it exists."""


def look_up_through_the_chip() -> None:
    """Put the old fault back."""
    agent = Agent()
    make_chip, make_lane, listed = Chip.__init__, ReceiptLane.__init__, Contracts.listed_for

    def init_chip(chip, *given) -> None:
        make_chip(chip, *given)
        agent.chip = chip

    def init_lane(lane, *given) -> None:
        make_lane(lane, *given)
        lane.open()

    Chip.__init__ = init_chip
    ReceiptLane.__init__ = init_lane
    Contracts.listed_for = lambda contracts, agreement: agent.chip and listed(contracts, agreement)


if __name__ == "__main__":
    look_up_through_the_chip()
    sys.exit(main())
