"""The way to another contract on an enrolled chip: an offer in words, and what to type to take it.

A contract is signed at the chip alone. What the page gives is the offer's content, the command with
every choice in it, and afterwards the request to hand over.
"""

from datetime import date
from getpass import getuser
from pathlib import Path

import msgspec

from edge.contracts.choices import choose
from edge.contracts.enrolling import check_no_import, sign_contract
from edge.contracts.fitting import MeterNow, meter_in
from edge.contracts.meter import check_is_named
from edge.contracts.recognizing import check_is_offer
from edge.contracts.requests import answered_at
from edge.contracts.sequence import check_follows
from edge.contracts.signed import SignedAgreement, read_signed
from edge.household.asked_contract import asked_contract
from edge.household.moving import typable
from edge.household.requests import SeeOffer
from edge.household.shown_agreements import ShownOffer, WaitingRequest
from edge.identity.keys import load_keys
from edge.language.choice import Lang
from edge.language.numbers import SHORT_HASH
from edge.language.typography import to_type
from edge.stage import REQUEST
from edge.vault.reader import VaultReader
from protocol.contract import Consent, Signed, check_start, parse_signed
from protocol.enrolment import EnrolmentRequest
from protocol.envelope import decode_body
from protocol.errors import DocumentRefused
from system.files import read_document, write_secret
from system.shell import quoted

# An offer that was shown, by its hash: another one that is shown later is never taken in its place.
OFFERS = "offer-*.json"


def see_offer(directory: Path, vault: VaultReader, asked: SeeOffer, today: date) -> ShownOffer:
    """Return the contract that an offer makes with this household, and the command that signs it.

    The offer is kept in `directory` for that command, in place of the one before. Nothing is signed.

    Raises:
        DocumentRefused: the offer cannot be taken so, or the household has left.
        ConfigError: a contract of the household is damaged, or an import was interrupted.
    """
    check_no_import(directory)
    if vault.departures.get() is not None:
        raise DocumentRefused(
            "This household has moved out of here, and takes no offer for this meter any more."
        )
    check_is_offer(data := asked.offer.encode())
    keys, offer = load_keys(directory), parse_signed(data, "The offer")
    meter = _meter(vault)
    check_start(asked.start, today)
    consent = None if asked.consent is None else Consent(asked.consent)
    choices = choose(directory, keys, consent=consent, follows=asked.follows)
    contract = sign_contract(
        keys,
        offer,
        meter.serial or "",
        asked.start,
        consent=choices.consent.value,
        follows=choices.follows.value,
    )
    check_follows(directory, contract)
    path = keep_offer(directory, offer)
    command = (
        f"volet edge request --offer {quoted(path)} --from {asked.start} "
        f"--consent {choices.consent.value} {'--follow' if choices.follows.value else '--fixed'}"
    )
    # This chip may know the days before today.
    since = min(today, asked.start)
    agreement = SignedAgreement(offer, contract)
    shown = asked_contract(agreement, meter, keys.meter_salt, since, asked.lang, choices)
    return ShownOffer(shown, typable(f"`{command}`", directory))


def waiting_request(directory: Path, lang: Lang, *, has_unit: bool) -> WaitingRequest:
    """Return the request that has no answer yet, and what is typed once the answer is there.

    Raises:
        ConfigError: the request, or the answer that is installed, is damaged.
    """
    next_step = "make a new request."
    path = directory / REQUEST
    if not path.exists():
        return WaitingRequest("", ())
    body = read_signed(path, next_step).body
    if decode_body(body, EnrolmentRequest).mandate.made_at <= answered_at(directory):
        return WaitingRequest("", ())
    restart = (f"`sudo systemctl restart volet-edge@{quoted(getuser())}`",) if has_unit else ()
    install = typable(to_type("`volet edge enrol ENROLMENT.json`", lang), directory)
    return WaitingRequest(read_document(path, next_step).decode(), (install, *restart))


def _meter(vault: VaultReader) -> MeterNow:
    state = vault.values.state()
    if state is None or state.serial is None:
        raise DocumentRefused(
            "A contract names its meter, and this chip has read none yet; see what is wrong with "
            "the line first."
        )
    check_is_named(state.serial)
    return meter_in(state)


def keep_offer(directory: Path, offer: Signed) -> Path:
    """Keep an offer in `directory` in place of the one before; return its path."""
    path = directory / OFFERS.replace("*", offer.hash.hex()[:SHORT_HASH])
    write_secret(path, msgspec.json.encode(offer))
    for other in directory.glob(OFFERS):
        if other != path:
            other.unlink(missing_ok=True)
    return path
