"""Exports releases as CSV, Parquet or pictures."""

import csv
import io
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Literal

import msgspec
import numpy as np

from cloud.release.reading import ExportRow, rows_of
from protocol.calendar import PARIS, quarter_hour_start
from protocol.errors import DocumentRefused
from protocol.release import CurveRelease, CurveSum, Release
from system.files import write_public

Format = Literal["csv", "parquet", "png", "svg"]
FORMATS: tuple[Format, ...] = ("csv", "parquet", "png", "svg")

_WH_A_KW = 250.0
_SIZE_INCHES = (11.0, 4.5)


def export(releases: Sequence[Release], form: Format, path: Path) -> int:
    """Write releases to a file; return how many rows, or days of a picture, were written.

    Raises:
        DocumentRefused: there is nothing to write, or nothing that can be drawn.
        ConfigError: the file cannot be written.
    """
    if not releases:
        raise DocumentRefused("Nothing was released in these days; `volet cloud release list`.")
    if form in ("png", "svg"):
        curves = [release for release in releases if isinstance(release, CurveRelease | CurveSum)]
        if not curves:
            raise DocumentRefused("Only curves can be drawn; export tables as csv or parquet.")
        write_public(path, _picture(curves, form))
        return len(curves)
    rows = [row for release in releases for row in rows_of(release)]
    write_public(path, _csv(rows) if form == "csv" else _parquet(rows))
    return len(rows)


def _csv(rows: Sequence[ExportRow]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(ExportRow.__struct_fields__)
    writer.writerows(msgspec.structs.astuple(row) for row in rows)
    return text.getvalue().encode()


def _parquet(rows: Sequence[ExportRow]) -> bytes:
    # Imported late, because each takes a third of a second.
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.parquet as pq  # noqa: PLC0415

    table = pa.Table.from_pylist([msgspec.structs.asdict(row) for row in rows])
    sink = io.BytesIO()
    pq.write_table(table, sink)
    return sink.getvalue()


def _picture(curves: Sequence[CurveRelease | CurveSum], form: Format) -> bytes:
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415
    from matplotlib.dates import ConciseDateFormatter, date2num  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    starts = [
        quarter_hour_start(date.fromisoformat(curve.day), j)
        for curve in curves
        for j in range(len(curve.quarter_hours))
    ]
    times = np.array(date2num(starts))  # type: ignore[no-untyped-call]
    middle, band, raw = (
        np.concatenate([np.array(part) for part in parts]) / _WH_A_KW
        for parts in (
            [curve.quarter_hours for curve in curves],
            [curve.band_90 for curve in curves],
            [curve.raw for curve in curves],
        )
    )
    figure = Figure(_SIZE_INCHES, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.plot(times, raw, color="0.75", linewidth=0.6, label="raw")
    axes.fill_between(times, middle - band, middle + band, alpha=0.3, label="90 % band")
    axes.plot(times, middle, linewidth=1.2, label="released")
    axes.xaxis_date(PARIS)
    locator = axes.xaxis.get_major_locator()
    formatter = ConciseDateFormatter(locator, tz=PARIS)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_formatter(formatter)
    axes.set_ylabel("kW")
    axes.set_title(f"{curves[0].measure} of {curves[0].code}")
    axes.margins(x=0)
    axes.legend(frameon=False, ncols=3)
    sink = io.BytesIO()
    figure.savefig(sink, format=form, metadata={"Date": None} if form == "svg" else None)
    return sink.getvalue()
