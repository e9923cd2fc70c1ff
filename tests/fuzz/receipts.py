"""A receipt that a household seals to its provider, and the proof in it."""

from pathlib import Path

import msgspec

from protocol.envelope import Address
from protocol.hpke import seal
from protocol.receipt import PADDED_BYTES, Receipt, ReceiptText, open_receipt
from protocol.receipt import _info as receipt_info
from protocol.topics import Kind
from provider.receipts import check_receipt
from tests.fuzz.target import Prepared, Samples, Target, named, seal_bytes
from tests.support.receipts import SEALING_KEY, Home

JANUARY = 31


class FuzzedReceipts:
    """A household with one receipt; the provider checks another one in its place."""

    def __init__(self, directory: Path) -> None:
        home = Home(directory / "home")
        home.begin()
        home.live(JANUARY + 2)
        home.ask(0, JANUARY, b"statement-number")
        (self.kept,) = home.receipts()
        self.home = home
        self.identity = home.identity
        body = msgspec.msgpack.decode(self.kept.payload)[1]
        self.receipt = msgspec.msgpack.decode(body, type=Receipt)
        contract = home.contract.hash
        self.text = open_receipt(self.receipt, self.identity.collectivity, contract, SEALING_KEY)
        self.arguments = home.to_check(self.kept)

    def close(self) -> None:
        """End the chip and the city."""
        self.home.kill()
        self.home.cloud.store.close()

    def check(self, text: bytes) -> None:
        """Seal a text, sign the receipt and check it as the provider."""
        identity, receipt = self.identity, self.receipt
        framed = len(text).to_bytes(4, "big") + text
        framed += bytes(-len(framed) % PADDED_BYTES)
        info = receipt_info(
            identity.collectivity, receipt.household_key, self.text.contract, receipt.statement
        )
        sealed = seal(framed, SEALING_KEY.public_bytes, info)
        body = msgspec.msgpack.encode(msgspec.structs.replace(receipt, sealed=sealed))
        address = Address(identity.collectivity, identity.device, Kind.RECEIPT)
        payload = seal_bytes(address, body, identity.signing_key)
        evidence, kept, *rest = self.arguments
        check_receipt(evidence, msgspec.structs.replace(kept, payload=payload), *rest)


def prepare_text(directory: Path) -> Prepared:
    fuzzed = FuzzedReceipts(directory)
    known = {"statement": fuzzed.text.statement, "contract": fuzzed.text.contract}
    good = msgspec.msgpack.encode(fuzzed.text)
    return Prepared(fuzzed.check, (good, *Samples(known).bodies(ReceiptText)), fuzzed.close)


def prepare_proof(directory: Path) -> Prepared:
    fuzzed = FuzzedReceipts(directory)

    def run(proof: bytes) -> None:
        text = msgspec.structs.replace(fuzzed.text, proof=proof)
        fuzzed.check(msgspec.msgpack.encode(text))

    return Prepared(run, (fuzzed.text.proof,), fuzzed.close)


TARGETS = (
    Target("provider-receipt", prepare_text, named(ReceiptText)),
    Target("provider-proof", prepare_proof, frozenset(["_Proof"])),
)
