"""Sets up the chip's handlers of the cloud's messages."""

from dataclasses import dataclass

from edge.area.lane import AreaLane
from edge.bills.inbox import OnStatement, StatementInbox
from edge.bills.receipt_lane import ReceiptLane
from edge.bills.verifier import StatementVerifier
from edge.catalogue.reader import CatalogueReader
from edge.chip.settings import ChipSettings
from edge.contracts.listed import Contracts
from edge.identity.enrolment import Identity
from edge.letters.inbox import LetterInbox
from edge.moving.departure import MovingOut
from edge.mqtt.handler import DeliveryReceipts, HandlerContext, MessageHandler, MessageHandlers
from edge.quotes.asking import Quoting
from edge.vault.signer import Signer
from edge.vault.vault import Vault
from system.clock import Clock


@dataclass(frozen=True, slots=True)
class Handlers:
    """The chip's handlers.

    Attributes:
        area: the area lane, None if there is none.
        moving: the household's departure.
        catalogue: the copy of the transparency log, which is the same for everybody.
        contracts: what the household has signed, with the documents of that log.
        message_handlers: all handlers but the transparency log's.
    """

    area: AreaLane | None
    moving: MovingOut
    catalogue: CatalogueReader
    contracts: Contracts
    message_handlers: MessageHandlers


def open_handlers(
    identity: Identity,
    signer: Signer,
    vault: Vault,
    clock: Clock,
    settings: ChipSettings,
) -> Handlers:
    """Set up all handlers over `vault`, then let them resume what an earlier process left.

    The copy of the transparency log comes first, because the others look things up in it.
    """
    set_aside = settings.set_aside
    context = HandlerContext(signer, identity.platform_key, vault, clock, set_aside)
    catalogue = CatalogueReader(
        vault, clock, identity.collectivity, identity.platform_key, set_aside
    )
    contracts = Contracts(
        settings.agreements,
        identity.meter_salt,
        catalogue.copy.catalogue,
        vault.departures.get,
    )
    judge: OnStatement = StatementVerifier(vault, identity.household, contracts).judge
    moving = MovingOut(context, settings.moving)
    seen = DeliveryReceipts(signer)
    area = None
    lanes: list[MessageHandler] = [moving]
    if settings.area is not None:
        area = AreaLane(context, contracts.listed, settings.area)
        lanes.append(area)
    if settings.receipts is not None:
        receipts = ReceiptLane(context, contracts, settings.receipts)
        judge = receipts.judging(judge)
        lanes.append(receipts)
    lanes += [
        LetterInbox(context, seen, settings.agreements),
        StatementInbox(context, seen, judge),
        Quoting(context, catalogue, settings.quotes),
        seen,
    ]
    message_handlers = MessageHandlers(lanes)
    message_handlers.open()
    return Handlers(area, moving, catalogue, contracts, message_handlers)
