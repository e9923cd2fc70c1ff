"""`volet provider area`: print the released figures of an area."""

from datetime import datetime, timedelta

import click
import msgspec

from protocol.release import CurveRelease, CurveSum, Release, TableRelease
from provider.backend import ProviderBackend
from provider.commands.options import DAY, json_option, reading_backend

_WH_A_KWH = 1_000.0


@click.command()
@reading_backend
@click.argument("code")
@click.option("--from", "start", type=DAY, required=True, help="The first day.")
@click.option("--to", "end", type=DAY, help="The day after the last. Default: one day.")
@click.option("--measure", default="curve", show_default=True)
@json_option
def area(
    backend: ProviderBackend,
    code: str,
    start: datetime,
    end: datetime | None,
    measure: str,
    *,
    is_json: bool,
) -> None:
    """Print the released figures of CODE (an IRIS, a commune, a département, …)."""
    last = end or start + timedelta(days=1)
    releases = backend.figures(measure, code, start.date(), last.date())
    if is_json:
        click.echo(msgspec.json.encode({"releases": releases}))
        return
    for release in releases:
        click.echo(_in_words(release))
    if not releases:
        click.echo(f"Nothing was released of {code} in these days.")


def _in_words(release: Release) -> str:
    terms = release.terms if isinstance(release, CurveRelease | TableRelease) else release
    head = f"{release.day}  {terms.households} of {terms.roster} households"
    if isinstance(release, CurveRelease | CurveSum):
        total = sum(release.quarter_hours) / _WH_A_KWH
        peak = max(release.quarter_hours) * 4 / _WH_A_KWH
        band = sum(release.band_90) / len(release.band_90) * 4 / _WH_A_KWH
        return f"{head}: {total:,.1f} kWh, peak {peak:,.1f} kW, band ±{band:,.1f} kW"
    values = "\n".join(
        f"    {value.name}: {value.value:,.0f} ± {value.standard_error:,.0f} {value.unit}"
        for value in release.values
    )
    return f"{head}:\n{values}"
