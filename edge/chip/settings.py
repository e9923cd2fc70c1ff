"""The settings of the chip's core."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from edge.area.lane import AreaOptions
from edge.bills.receipt_lane import ReceiptOptions
from edge.chip.confirming import Confirmation
from edge.contracts.agreement import Agreement
from edge.metering.state import MeteringSettings
from edge.moving.departure import MovingOptions
from edge.mqtt.outbox import OutboxSettings
from edge.quotes.asking import QuoteOptions
from edge.renewal.asking import SWITCH_WITHIN_S
from edge.renewal.certificates import Certificates
from edge.status.reporter import StatusOptions
from system.set_aside import SetAside


@dataclass(frozen=True, slots=True)
class ChipSettings:
    """How a chip behaves.

    Attributes:
        send_window_s: a new block goes out after a random part of this, so that a region's chips
            do not all send at midnight.
        outbox: how fast and how often the chip sends.
        metering: how far readings may lie apart.
        area: the area lane, None if there is none.
        moving: how the household moves out.
        receipts: how receipts are given, None if there are none.
        quotes: whether the household wants quotes.
        agreements: the household's contracts by their hashes, former ones included.
        confirmation: which index in quarantine, or which other meter, the household has confirmed.
        status: what the chip reports about itself, and where it keeps that.
        set_aside: the messages that the program could not handle.
        certificates: the chip's certificates, None if it does not renew them.
        switch_within_s: a renewed certificate is shown after a random part of this.
    """

    send_window_s: float = 0.0
    outbox: OutboxSettings = field(default_factory=OutboxSettings)
    metering: MeteringSettings = field(default_factory=MeteringSettings)
    area: AreaOptions | None = None
    moving: MovingOptions = field(default_factory=MovingOptions)
    receipts: ReceiptOptions | None = None
    quotes: QuoteOptions = field(default_factory=QuoteOptions)
    agreements: Mapping[bytes, Agreement] = field(default_factory=dict)
    confirmation: Confirmation = field(default_factory=Confirmation)
    status: StatusOptions = field(default_factory=StatusOptions)
    set_aside: SetAside = field(default_factory=SetAside)
    certificates: Certificates | None = None
    switch_within_s: float = SWITCH_WITHIN_S
