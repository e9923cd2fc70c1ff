"""Statements as they arrive: checked, kept, judged, and said to have arrived."""

from collections.abc import Callable

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from edge.clock import Clock
from edge.correspondence import Correspondent, Incoming, SeenNotes
from edge.vault.vault import Vault
from protocol.envelope import open_message
from protocol.errors import MessageRefused, Reason
from protocol.ids import HouseholdKeyId
from protocol.messages import Statement
from protocol.topics import Kind

OnStatement = Callable[[Statement], str]


class StatementInbox(Correspondent):
    """Keeps statements in the vault; `on_statement` judges one and returns its verdict as JSON."""

    kinds = frozenset({Kind.STATEMENT})

    def __init__(
        self,
        vault: Vault,
        clock: Clock,
        household_key: HouseholdKeyId,
        platform_key: Ed25519PublicKey,
        seen: SeenNotes,
        on_statement: OnStatement,
    ) -> None:
        """Take statements for `household_key` that `platform_key` signed."""
        self._vault = vault
        self._clock = clock
        self._household_key = household_key
        self._platform_key = platform_key
        self._seen = seen
        self._on_statement = on_statement

    def take(self, message: Incoming) -> None:
        """See `Correspondent.take`."""
        payload = message.payload
        if not payload:
            return  # the cloud has taken it back
        statement = open_message(message.address, payload, self._platform_key, Statement)
        if statement.household_key != self._household_key:
            raise MessageRefused(Reason.TOPIC, "another household's")
        if statement.id.hex() != message.rest:
            raise MessageRefused(Reason.TOPIC, "the topic names another statement")
        self._vault.save_statement(statement.id, self._clock.now(), payload, None)
        verdict = self._on_statement(statement)
        self._vault.save_statement(statement.id, self._clock.now(), payload, verdict)
        self._seen.add(statement.id)
