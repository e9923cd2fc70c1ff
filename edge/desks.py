"""Everybody on the chip with whom the cloud corresponds, set up together."""

from dataclasses import dataclass

from edge.area.lane import AreaLane
from edge.bills.inbox import OnStatement, StatementInbox
from edge.bills.receipt_lane import ReceiptLane
from edge.catalogue.reader import CatalogueReader
from edge.chip_settings import ChipSettings
from edge.clock import Clock
from edge.correspondence import Correspondent, SeenNotes
from edge.identity import Identity
from edge.letters import LetterInbox
from edge.moving.departure import MovingOut
from edge.quotes.asking import Quoting
from edge.vault.signer import Signer
from edge.vault.vault import Vault


@dataclass(frozen=True, slots=True)
class Desks:
    """The chip's correspondents.

    Attributes:
        area: the area lane, None: there is none.
        moving: the household's departure.
        catalogue: the copy of the public list, which comes to everybody alike.
        correspondents: all but the list, in the order in which they speak.
    """

    area: AreaLane | None
    moving: MovingOut
    catalogue: CatalogueReader
    correspondents: tuple[Correspondent, ...]


def open_desks(
    identity: Identity,
    signer: Signer,
    vault: Vault,
    clock: Clock,
    settings: ChipSettings,
    on_statement: OnStatement | None,
) -> Desks:
    """Set up all correspondents over `vault`; `on_statement` judges a statement."""
    key = identity.platform_key
    area = None
    if settings.area is not None:
        area = AreaLane(
            signer, key, vault, clock, settings.area, send_window_s=settings.send_window_s
        )
    moving = MovingOut(signer, key, vault, clock, settings.moving)
    catalogue = CatalogueReader(vault, clock, identity.collectivity, key)
    seen = SeenNotes(signer)
    lanes: list[Correspondent] = [] if area is None else [area]
    if settings.receipts is not None:
        agreements = settings.receipts.agreements
        if on_statement is not None:
            receipts = ReceiptLane(signer, key, vault, clock, settings.receipts)
            on_statement = receipts.judging(on_statement)
            lanes.append(receipts)
        lanes.append(LetterInbox(vault, clock, identity.household, key, seen, agreements))
    inbox = StatementInbox(vault, clock, identity.household_key, key, seen, on_statement)
    quoting = Quoting(signer, key, vault, catalogue, settings.quotes)
    return Desks(area, moving, catalogue, (moving, *lanes, inbox, quoting, seen))
