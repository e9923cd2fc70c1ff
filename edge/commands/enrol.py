"""`volet edge enrol`: check and install the collectivity's answer."""

from datetime import UTC, datetime
from pathlib import Path

import click

from edge.commands.contract_shown import echo_contract
from edge.commands.household import HouseholdCommand, echo, echo_translated
from edge.contracts.answered import SHORT_HASH, unknown_contracts
from edge.contracts.enrolling import (
    install,
    requested_contract,
)
from edge.contracts.serial import known_meter
from edge.contracts.signed import SignedAgreement, read_agreement
from edge.household.asked_contract import asked_contract
from edge.household.contract_words import CONTRACT_WORDS
from edge.identity.enrolment import ca_fingerprint, openssl_spelling
from edge.identity.keys import load_keys
from edge.language.choice import language
from edge.stage import DEFAULT_DIRECTORY, ENROLMENT, Stage, next_step, stage
from edge.vault.lock import is_in_use
from protocol.calendar import legal_day
from protocol.contract import Contract
from protocol.envelope import decode_body
from system.commands import Change, changing, directory_option

# The unit is in packaging/units.
RESTART = 'sudo systemctl restart "volet-edge@$USER"'
_FILE = click.Path(path_type=Path, dir_okay=False)
_dir = directory_option(DEFAULT_DIRECTORY, "The chip's")


@click.command(cls=HouseholdCommand)
@_dir
@click.argument("answer", metavar="ENROLMENT.json", type=_FILE)
@click.option(
    "--authority",
    help="The authority's fingerprint as the collectivity publishes it; another one is refused.",
)
@changing
def enrol(directory: Path, answer: Path, authority: str | None) -> Change:
    """Check the collectivity's answer and install it as this chip's identity."""
    before, was = read_agreement(directory), stage(directory)
    was_enrolled = was is Stage.ENROLLED
    # Asked before: a chip that waited for this is on its way into its vault while this goes on.
    is_running = was is not Stage.EMPTY and is_in_use(directory)
    installed = directory / ENROLMENT
    was_installed = installed.read_bytes() if installed.exists() else b""
    record = install(directory, answer, authority)
    has_changed = installed.read_bytes() != was_installed
    now, asked = read_agreement(directory), requested_contract(directory, load_keys(directory))
    fingerprint = ca_fingerprint((directory / "ca.pem").read_bytes())
    echo_translated(
        f"This chip is {record.device} of {record.collectivity}.\n"
        f"Authority: {fingerprint}\n"
        f"as openssl writes it: {openssl_spelling(fingerprint)}"
    )
    if authority is None:
        echo_translated("Compare this with what the collectivity publishes before you rely on it.")
    if now != before or not (was_enrolled or asked):
        _show(directory, now, is_first=not was_enrolled)
    if not is_running:
        echo_translated(f"Next: {next_step(directory)}")
    elif not was_enrolled:
        echo_translated("The running chip goes on with it now.")
    elif now != before:
        echo_translated(
            "The running chip still goes by what it was started with: end `volet edge run` and "
            f"start it again, or `{RESTART}`."
        )
    if asked is not None and now != asked:
        echo_translated(
            "The answer names no contract; the one in request.json does not hold yet: hand it to "
            "the collectivity and install its answer."
        )
    for unknown in unknown_contracts(directory, record.contracts):
        echo_translated(
            f"The collectivity holds contract {unknown.contract.hex()[:SHORT_HASH]}… of this "
            f"household from {unknown.start} on, of which this chip has no copy: it cannot check its "
            "bills. Put a newer backup back, or take an offer anew with `volet edge request`."
        )
    if now is not None and all(listed.contract != now.contract.hash for listed in record.contracts):
        echo_translated(
            "The collectivity does not hold this chip's contract any more: make its request again "
            "with `volet edge request --offer`, the same offer and first day as before."
        )
    return Change(
        is_changed=has_changed,
        facts={
            "device": record.device,
            "collectivity": record.collectivity,
            "authority": fingerprint,
        },
    )


def _show(directory: Path, agreement: SignedAgreement | None, *, is_first: bool) -> None:
    """Print the contract that an answer has put in force, or that there is none."""
    words = CONTRACT_WORDS[language()]
    echo(words["answer_contract"])
    if agreement is None:
        echo(f"  {words['answer_none']}")
        return
    salt, since = load_keys(directory).meter_salt, legal_day(datetime.now(UTC))
    if not is_first:  # this chip may know the days before today
        since = min(since, decode_body(agreement.contract.body, Contract).start)
    echo_contract(asked_contract(agreement, known_meter(directory), salt, since, language()))
