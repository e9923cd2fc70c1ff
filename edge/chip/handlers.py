"""Everybody on the chip with whom the cloud corresponds, set up together."""

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
    """The chip's correspondents.

    Attributes:
        area: the area lane, None: there is none.
        moving: the household's departure.
        catalogue: the copy of the transparency log, which comes to everybody alike.
        contracts: what the household has signed, beside that list.
        correspondents: all but the list.
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
    """Set up all handlers over `vault`, then let them take up what a process before left.

    Each is handed what it looks things up in, whole: the copy of the transparency log comes first.
    """
    context = HandlerContext(signer, identity.platform_key, vault, clock)
    catalogue = CatalogueReader(vault, clock, identity.collectivity, identity.platform_key)
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
