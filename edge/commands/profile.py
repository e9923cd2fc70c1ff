"""`volet edge profile`: show or set who lives here, for the area lane."""

from pathlib import Path

import click
import msgspec

from edge.area.settings import change_choices, load_choices
from edge.area.words import PROFILE_WORDS, profile_rows
from edge.commands.household import HouseholdCommand, echo
from edge.identity.keys import load_keys
from edge.language.choice import language
from edge.stage import DEFAULT_DIRECTORY
from protocol.socio import AGE_BANDS, Profile, check_profile
from system.commands import directory_option

_directory = directory_option(DEFAULT_DIRECTORY, "The chip's")
# Whether as many can live here `check_profile` says.
_TYPED_MAX = 9_999
_json = click.option("--json", "is_json", is_flag=True, help="Print JSON.")


@click.command(cls=HouseholdCommand)
@_directory
@click.option("--ages", help=f"Persons aged {', '.join(AGE_BANDS)}: six numbers, as 0,0,2,0,0,0.")
@click.option(
    "--employed", type=click.IntRange(0, _TYPED_MAX), help="How many of them are employed."
)
@click.option("--forget", is_flag=True, help="Delete the profile, so that zeros are contributed.")
@_json
def profile(
    directory: Path,
    ages: str | None,
    employed: int | None,
    *,
    forget: bool,
    is_json: bool,
) -> None:
    """Show or set who lives here. It leaves this chip noised and encrypted, or not at all."""
    load_keys(directory)  # fail with the next step where there is no chip
    if forget:
        change_choices(directory, profile=None)
    elif ages is not None or employed is not None:
        if ages is None or employed is None:
            raise click.UsageError("Give both, --ages and --employed.")
        chosen = _parse_profile(ages, employed)
        change_choices(directory, profile=chosen)
    current = load_choices(directory).profile
    if is_json:
        click.echo(msgspec.json.encode(current))
    elif current is None:
        echo(PROFILE_WORDS[language()][0])
    else:
        for label, count in profile_rows(current, language()):
            echo(f"{label:<24}{count}")


def _parse_profile(ages: str, employed: int) -> Profile:
    try:
        numbers = tuple(int(count) for count in ages.split(","))
    except ValueError:
        numbers = ()
    if len(numbers) != len(AGE_BANDS) or any(abs(each) > _TYPED_MAX for each in numbers):
        raise click.UsageError("--ages: six numbers of persons with commas.")
    chosen = Profile(numbers, employed)
    check_profile(chosen)
    return chosen
