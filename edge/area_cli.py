"""`volet edge budget`, `profile`, `trustees` and `area`: the household's say in the area lane."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import click
import msgspec

from edge.area.report import OwnGroup, Participation, own_groups, participation
from edge.area.settings import Choices, load_choices, save_choices
from edge.area.standing import TRUSTEE_SET, first_set, stand
from edge.area.words import LABEL, PARTICIPATION, PROFILE_WORDS, budget_in_words
from edge.bills.words import day_text
from edge.chip import signer_of
from edge.config import DEFAULT_DIRECTORY, load_config
from edge.household_command import HouseholdCommand, say
from edge.identity import Identity, load_identity, load_keys
from edge.language import language
from edge.privacy.ledger import Ledger, budget, oldest_needed
from edge.vault.reader import VaultReader, read_vault
from protocol.calendar import day_number, day_of_number, legal_day
from protocol.errors import DocumentRefused
from protocol.governance import Charter, TrusteeSet, fingerprint
from protocol.socio import AGE_BANDS, Profile, check_profile
from system.commands import directory_option

_directory = directory_option(DEFAULT_DIRECTORY, "The chip's")
_json = click.option("--json", "is_json", is_flag=True, help="Print JSON.")


@click.command("budget", cls=HouseholdCommand)
@_directory
@click.option("--cap", type=click.FloatRange(0, 1_000), help="Lower what a year may cost (rho).")
@_json
def budget_command(directory: Path, cap: float | None, *, is_json: bool) -> None:
    """Show what the area lane has cost: today, this month, this year, and what is left.

    The account is kept in zCDP (rho); an epsilon is the worst that anybody could learn by it.
    Bills cost nothing and go on when the budget is spent.
    """
    config = load_config(directory).area
    if cap is not None:
        if cap > config.year_cap_rho:
            raise click.UsageError(
                f"A cap can be lowered only; at most {config.year_cap_rho:g} is configured."
            )
        _choose(directory, lambda choices: msgspec.structs.replace(choices, year_cap_rho=cap))
    today, choices = day_number(legal_day(datetime.now(UTC))), load_choices(directory)
    with read_vault(directory) as vault:
        ledger = Ledger(vault.area.spends(oldest_needed(today)))
    account = budget(ledger, choices.caps(config), today)
    if is_json:
        click.echo(msgspec.json.encode(account))
        return
    _say_participation(participation(ledger, choices, config, today))
    click.echo(budget_in_words(account, language()))


@click.command(cls=HouseholdCommand)
@_directory
@click.option("--ages", help=f"Persons aged {', '.join(AGE_BANDS)}: six numbers, as 0,0,2,0,0,0.")
@click.option("--employed", type=click.IntRange(0), help="How many of them are employed.")
@click.option("--forget", is_flag=True, help="Say nothing about who lives here any more.")
@_json
def profile(
    directory: Path,
    ages: str | None,
    employed: int | None,
    *,
    forget: bool,
    is_json: bool,
) -> None:
    """Show or set who lives here; it leaves this chip noised and encrypted only, or not at all."""
    load_keys(directory)  # where no chip lives nobody can be asked about
    if forget:
        _choose(directory, lambda choices: msgspec.structs.replace(choices, profile=None))
    elif ages is not None or employed is not None:
        if ages is None or employed is None:
            raise click.UsageError("Give both, --ages and --employed.")
        chosen = _parse_profile(ages, employed)
        _choose(directory, lambda choices: msgspec.structs.replace(choices, profile=chosen))
    current = load_choices(directory).profile
    if is_json:
        click.echo(msgspec.json.encode(current))
    elif current is None:
        click.echo(PROFILE_WORDS[language()][0])
    else:
        _, size, employed_word = PROFILE_WORDS[language()]
        click.echo(f"{size:<24}{current.size}")
        for band, count in zip(AGE_BANDS, current.ages, strict=True):
            click.echo(f"  {band:<22}{count}")
        click.echo(f"{employed_word:<24}{current.employed}")


class TrusteesReport(msgspec.Struct, frozen=True):
    """A set of trustees as `volet edge trustees` shows it; `shape` as "3 of 4"."""

    hash: str
    fingerprint: str
    shape: str
    trustees: tuple[tuple[str, str], ...]
    effective: str
    is_confirmed: bool


@click.command(cls=HouseholdCommand)
@_directory
@click.option("--confirm", metavar="FINGERPRINT", help="Trust the set that has this fingerprint.")
@_json
def trustees(directory: Path, confirm: str | None, *, is_json: bool) -> None:
    """Show the first set of trustees, confirm it by its fingerprint; show how large your groups are.

    Compare the fingerprint with what each trustee publishes. Later sets need no confirmation: they
    are signed by the one before.
    """
    identity = load_identity(directory)
    with read_vault(directory) as vault:
        proposed = _proposed(vault, identity.collectivity)
    if confirm is not None:
        wanted = _letters(confirm)
        found = next((each for each, _ in proposed if _letters(fingerprint(each)) == wanted), None)
        if found is None:
            raise DocumentRefused(
                "No set of trustees with this fingerprint has arrived; `volet edge trustees` shows "
                "those that have. Do not confirm what you cannot compare."
            )
        name = found.hash.hex()
        _choose(directory, lambda choices: msgspec.structs.replace(choices, trustees=name))
    confirmed = load_choices(directory).trustees
    reports = [_report(charter, each, confirmed) for charter, each in proposed]
    groups = _groups(directory, identity, confirmed)
    if is_json:
        click.echo(msgspec.json.encode({"sets": reports, "groups": groups}))
        return
    if not reports:
        say("No set of trustees has arrived yet; the chip asks for it when it is connected.")
    for report in reports:
        state = "confirmed" if report.is_confirmed else "NOT CONFIRMED: nothing is contributed"
        say(f"Fingerprint   {report.fingerprint}   ({state})")
        day = day_text(date.fromisoformat(report.effective), language())
        say(f"To open       {report.shape}, from {day}")
        for name, title in report.trustees:
            click.echo(f"  {name:<28}{title}")
    for group in groups:
        say(
            f"{group.measure:<14}{group.code}: {group.households} households, noise for "
            f"{group.crowd} of them, opened from {group.threshold} on"
        )


class AreaReport(msgspec.Struct, frozen=True):
    """What `volet edge area` shows. `days` are (day, state, reason), newest last."""

    participation: Participation
    is_enabled: bool
    is_on: bool
    has_confirmed_trustees: bool
    has_seeds: bool
    unsent: int
    days: tuple[tuple[str, str, str], ...]


@click.command(cls=HouseholdCommand)
@_directory
@click.argument("turn", required=False, type=click.Choice(["on", "off"]))
@_json
def area(directory: Path, turn: str | None, *, is_json: bool) -> None:
    """Show whether this home takes part in its area's figures; turn that on or off.

    Off: no day is contributed, and what has not been sent is deleted. Bills go on.
    """
    if turn is not None:
        _choose(directory, lambda choices: msgspec.structs.replace(choices, is_on=turn == "on"))
    choices, config = load_choices(directory), load_config(directory).area
    today = day_number(legal_day(datetime.now(UTC)))
    with read_vault(directory) as vault:
        ledger = Ledger(vault.area.spends(oldest_needed(today)))
        states = vault.area.states(0)[-31:]
        report = AreaReport(
            participation=participation(ledger, choices, config, today),
            is_enabled=config.enabled,
            is_on=choices.is_on,
            has_confirmed_trustees=bool(choices.trustees),
            has_seeds=vault.area.letters() is not None,
            unsent=len(vault.area.unsent()),
            days=tuple(
                (day_of_number(day).isoformat(), state.name.lower(), reason)
                for day, state, reason in states
            ),
        )
    if is_json:
        click.echo(msgspec.json.encode(report))
        return
    _say_participation(report.participation)
    say(f"Trustees          {'confirmed' if report.has_confirmed_trustees else 'not confirmed'}")
    say(f"Seeds             {'drawn' if report.has_seeds else 'not drawn yet'}")
    say(f"To send           {report.unsent}")
    for day, state, reason in report.days:
        click.echo(
            f"{day_text(date.fromisoformat(day), language())}        {state}{f' ({reason})' if reason else ''}"
        )


def _choose(directory: Path, change: Callable[[Choices], Choices]) -> None:
    save_choices(directory, change(load_choices(directory)))


def _parse_profile(ages: str, employed: int) -> Profile:
    try:
        numbers = [int(each) for each in ages.split(",")]
        chosen = msgspec.convert({"ages": numbers, "employed": employed}, Profile)
    except (ValueError, msgspec.ValidationError) as exc:
        raise click.UsageError(f"--ages: six numbers of persons with commas ({exc}).") from exc
    check_profile(chosen)
    return chosen


def _proposed(vault: VaultReader, collectivity: str) -> list[tuple[Charter, TrusteeSet]]:
    found = []
    for row in vault.area.documents():
        if row.kind == TRUSTEE_SET:
            try:
                found.append(first_set(row.data, collectivity))
            except DocumentRefused:
                continue  # one that follows another
    return found


def _groups(directory: Path, identity: Identity, confirmed: str) -> tuple[OwnGroup, ...]:
    with read_vault(directory) as vault:
        rows, entries = vault.area.documents(), vault.area.entries()
    standing = stand(rows, entries, bytes.fromhex(confirmed) or None, signer_of(identity))
    return own_groups(standing, day_number(legal_day(datetime.now(UTC))))


def _report(charter: Charter, each: TrusteeSet, confirmed: str) -> TrusteesReport:
    return TrusteesReport(
        hash=charter.hash.hex(),
        fingerprint=fingerprint(charter),
        shape=f"{each.shape.threshold} of {each.shape.trustees}",
        trustees=tuple((trustee.name, trustee.title) for trustee in each.trustees),
        effective=day_of_number(each.effective).isoformat(),
        is_confirmed=charter.hash.hex() == confirmed,
    )


def _letters(text: str) -> str:
    return "".join(text.split()).upper()


def _say_participation(found: Participation) -> None:
    click.echo(f"{LABEL[language()]:<18}{PARTICIPATION[language()][found]}")
