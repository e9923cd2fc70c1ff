"""Sets up the chip's handlers of the cloud's messages."""

from dataclasses import dataclass

from edge.area.lane import AreaLane
from edge.area.neighbourhood import NeighbourhoodReader
from edge.bills.inbox import OnStatement, StatementInbox
from edge.bills.letters import LetterInbox
from edge.bills.receipt_lane import ReceiptLane
from edge.bills.verifier import StatementVerifier
from edge.chip.settings import ChipSettings
from edge.contracts.catalogue import CatalogueReader
from edge.contracts.listed import Contracts
from edge.identity.enrolment import Identity
from edge.moving.departure import MovingOut
from edge.mqtt.handler import DeliveryReceipts, HandlerContext, MessageHandler, MessageHandlers
from edge.mqtt.hub import HubReader
from edge.quotes.asking import Quoting
from edge.renewal.asking import CertificateRenewal
from edge.renewal.key_list import KeyListReader
from edge.vault.signer import Signer
from edge.vault.vault import Vault
from system.clock import Clock


@dataclass(frozen=True, slots=True)
class Handlers:
    """The chip's handlers.

    Attributes:
        area: the area lane, None if there is none.
        neighbourhood: the curves of the household's neighbourhood, None if there is no area lane.
        moving: the household's departure.
        catalogue: the copy of the transparency log, which is the same for everybody.
        hub: what the collectivity's worker tells everybody.
        contracts: what the household has signed, with the documents of that log.
        keys: the collectivity's keys, which are the same for everybody.
        renewal: renews the chip's certificate.
        message_handlers: all handlers of the chip's own topics.
    """

    area: AreaLane | None
    neighbourhood: NeighbourhoodReader | None
    moving: MovingOut
    catalogue: CatalogueReader
    hub: HubReader
    contracts: Contracts
    keys: KeyListReader
    renewal: CertificateRenewal
    message_handlers: MessageHandlers

    def public_topics(self, now_s: float) -> frozenset[str]:
        """Return the topics to subscribe to beside the chip's own."""
        topics = self.catalogue.topics(now_s) | {self.hub.topic}
        none, run = frozenset[str](), self.message_handlers.run
        if self.area is not None:
            topics |= run(self.area, self.area.topics, none)
        if self.neighbourhood is not None and not self.moving.has_left:
            topics |= run(self.neighbourhood, self.neighbourhood.topics, none)
        return topics

    def take_public(self, topic: str, payload: bytes, now_s: float) -> bool:
        """Process a message to everybody; return False if it is none.

        Raises:
            MessageRefused: it is invalid.
        """
        readers = (self.keys, self.hub, self.catalogue)
        if any(reader.take(topic, payload) for reader in readers):
            return True
        if self.area is not None and self.area.take_sealing_key(topic, payload):
            return True
        reader = self.neighbourhood
        return reader is not None and reader.take_figure(topic, payload, now_s)


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
    judge: OnStatement = StatementVerifier(
        vault, identity.household, identity.keyring, contracts
    ).judge
    moving = MovingOut(context, settings.moving)
    seen = DeliveryReceipts(signer)
    renewal = CertificateRenewal(context, settings.certificates, settings.switch_within_s)
    area, neighbourhood = None, None
    lanes: list[MessageHandler] = [moving]
    if settings.area is not None:
        area = AreaLane(context, contracts.listed, settings.area)
        neighbourhood = NeighbourhoodReader(area, identity.collectivity, settings.area.figures)
        lanes += [area, neighbourhood]
    if settings.receipts is not None:
        receipts = ReceiptLane(context, contracts, settings.receipts)
        judge = receipts.judging(judge)
        lanes.append(receipts)
    lanes += [
        LetterInbox(context, seen, settings.agreements),
        StatementInbox(context, seen, judge),
        Quoting(context, catalogue, settings.quotes),
        renewal,
        seen,
    ]
    message_handlers = MessageHandlers(lanes)
    message_handlers.open()
    hub, keys = HubReader(signer, identity.platform_key), KeyListReader(identity)
    return Handlers(
        area, neighbourhood, moving, catalogue, hub, contracts, keys, renewal, message_handlers
    )
