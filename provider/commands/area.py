"""`volet provider area`: what was released of an area, read from the cloud's store."""

from datetime import datetime, timedelta
from pathlib import Path

import click
import msgspec

from cloud.config import DEFAULT_DIRECTORY
from cloud.release.reading import Period, releases_of
from cloud.release.release import CurveRelease, CurveSum, Release, TableRelease
from cloud.store.sqlite.store import SqliteStore
from system.commands import directory_option

_DAY = click.DateTime(["%Y-%m-%d"])
_WH_A_KWH = 1_000.0


@click.command()
@directory_option(DEFAULT_DIRECTORY, "The cloud's", name="cloud", parameter="cloud")
@click.argument("code")
@click.option("--from", "start", type=_DAY, required=True, help="The first day.")
@click.option("--to", "end", type=_DAY, help="The day after the last; without it one day.")
@click.option("--measure", default="curve", show_default=True)
@click.option("--json", "is_json", is_flag=True, help="Print JSON.")
def area(
    cloud: Path, code: str, start: datetime, end: datetime | None, measure: str, *, is_json: bool
) -> None:
    """Print what was released of CODE (an IRIS, a commune, a département, …)."""
    last = end or start + timedelta(days=1)
    store = SqliteStore.open_existing(cloud).area
    releases = releases_of(store, measure, code, Period(start.date(), last.date()))
    if is_json:
        click.echo(msgspec.json.encode({"releases": releases}))
        return
    for each in releases:
        click.echo(_in_words(each))
    if not releases:
        click.echo(f"Nothing was released of {code} in these days.")


def _in_words(release: Release) -> str:
    terms = release.terms if isinstance(release, CurveRelease | TableRelease) else release
    who = f"{release.day}  {terms.households} of {terms.roster} households"
    if isinstance(release, CurveRelease | CurveSum):
        total = sum(release.quarter_hours) / _WH_A_KWH
        peak = max(release.quarter_hours) * 4 / _WH_A_KWH
        band = sum(release.band_90) / len(release.band_90) * 4 / _WH_A_KWH
        return f"{who}: {total:,.1f} kWh, peak {peak:,.1f} kW, band ±{band:,.1f} kW"
    values = "\n".join(
        f"    {each.name}: {each.value:,.0f} ± {each.standard_error:,.0f} {each.unit}"
        for each in release.values
    )
    return f"{who}:\n{values}"
