"""`volet edge request`: write an enrolment request, with a contract that the household signs."""

from datetime import UTC, date, datetime
from pathlib import Path

import click

from edge.chip.config import load_config
from edge.commands.contract_shown import echo_contract
from edge.commands.household import HouseholdCommand, echo, echo_translated
from edge.contracts.choices import choose
from edge.contracts.enrolling import (
    make_request,
    sign_contract,
    write_request,
)
from edge.contracts.fitting import MeterNow
from edge.contracts.requests import latest_made_at
from edge.contracts.serial import meter_for, parse_serial
from edge.contracts.signed import SignedAgreement, read_signed
from edge.household.asked_contract import asked_contract
from edge.household.contract_words import CONTRACT_WORDS
from edge.identity.keys import load_keys
from edge.language.choice import language
from edge.stage import DEFAULT_DIRECTORY, REQUEST, Stage, stage
from protocol.calendar import legal_day
from protocol.contract import Consent, check_start
from protocol.errors import DocumentRefused
from system.commands import changing, directory_option
from system.logs import configure_logs
from system.shell import quoted


class _Day(click.ParamType[date]):
    """A day in ISO 8601."""

    name = "day"

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        """Return the form of a day."""
        del param, ctx
        return "YYYY-MM-DD"

    def convert(
        self, value: date | str, param: click.Parameter | None, ctx: click.Context | None
    ) -> date:
        """Parse a day."""
        if isinstance(value, date):
            return value
        try:
            return datetime.strptime(value, "%Y-%m-%d").date()  # noqa: DTZ007 - a legal day
        except ValueError:
            raise click.BadParameter(
                f"{value} is no day; write it as year-month-day, such as 2026-03-01.", ctx, param
            ) from None


_FILE = click.Path(path_type=Path, dir_okay=False)
_dir = directory_option(DEFAULT_DIRECTORY, "The chip's")


def _typed_serial(
    context: click.Context, parameter: click.Parameter, value: str | None
) -> str | None:
    """Check the form of a serial before it is used."""
    try:
        return None if value is None else parse_serial(value, language())
    except DocumentRefused as exc:
        raise click.BadParameter(str(exc), context, parameter) from exc


@click.command(cls=HouseholdCommand)
@_dir
@click.option("--offer", type=_FILE, help="The provider's offer that the household takes (JSON).")
@click.option(
    "--meter",
    "meter_serial",
    callback=_typed_serial,
    help="The meter's serial (ADSC or ADCO, 12 digits), which stays here. Default: the one that "
    "this chip reads.",
)
@click.option("--from", "start", type=_Day(), help="The contract's first day.")
@click.option(
    "--consent",
    type=click.Choice([consent.value for consent in Consent]),
    help="What a receipt may show the provider: nothing, the total, or also the kWh of each line. "
    "Default: as in your contract until now, else the total.",
)
@click.option(
    "--follow/--fixed",
    "follows",
    default=None,
    help="Whether later listed offers that extend this one with new prices apply to the contract. "
    "Default: as in your contract until now, else they do.",
)
@click.option(
    "--out", type=_FILE, help="Where to write it. Default: request.json in the chip's directory."
)
@changing
def request(
    directory: Path,
    offer: Path | None,
    meter_serial: str | None,
    start: date | None,
    consent: str | None,
    out: Path | None,
    *,
    follows: bool | None,
) -> bool:
    """Write an enrolment request, with a contract if an offer is given.

    It contains only public keys. Hand it to the collectivity and install the answer with
    `volet edge enrol ENROLMENT.json`. If a meter is connected, the contract names that meter. The
    contract is shown with its prices, what will not work with it, and who sees it. A later request
    keeps the household's earlier choices and shows them.
    """
    keys, words = load_keys(directory), CONTRACT_WORDS[language()]
    signed_offer = contract = None
    if offer is not None:
        if start is None:
            raise click.UsageError("An offer is taken from a day on: --from.")
        signed_offer = read_signed(
            offer, "ask the provider for its signed offer, which a tariff alone is not."
        )
        choices = choose(
            directory, keys, consent=Consent(consent) if consent else None, follows=follows
        )
        today = legal_day(datetime.now(UTC))
        check_start(start, today)
        meter = _meter(directory, meter_serial)
        contract = sign_contract(
            keys,
            signed_offer,
            meter.serial or "",
            start,
            consent=choices.consent.value,
            follows=choices.follows.value,
        )
        # A chip that is enrolled may know the days before today.
        since = min(today, start) if stage(directory) is Stage.ENROLLED else today
        agreement = SignedAgreement(signed_offer, contract)
        echo(words["request_holds"])
        echo_contract(asked_contract(agreement, meter, keys.meter_salt, since, language(), choices))
    elif {meter_serial, start, consent, follows} != {None}:
        raise click.UsageError("--meter, --from, --consent and --follow/--fixed go with --offer.")
    echo(
        words["request_means"] if contract else f"{words['request_means']} {words['request_none']}"
    )
    if contract is not None:
        echo(f"{words['who_sees']}\n  {words['who_request']}")
    path = out or directory / REQUEST
    write_request(
        directory, path, make_request(keys, signed_offer, contract, after=latest_made_at(directory))
    )
    echo_translated(
        f"Wrote {path}; hand it to the collectivity, then install its answer with "
        f"`volet edge enrol --dir {quoted(directory)} ENROLMENT.json`."
    )
    if contract is None:
        echo_translated(
            "To take an offer, make this request again: `volet edge request --offer OFFER.json "
            "--from DAY`."
        )
    return True


def _meter(directory: Path, typed: str | None) -> MeterNow:
    configure_logs("error")
    config = load_config(directory)
    return meter_for(directory, config.source, config.speeds, typed, language())
