"""Cells and groups of cells: which are large enough, and which must be merged with siblings."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping

import msgspec

from cloud.geo.codes import COMMUNE_CHARACTERS, Codes, commune_of, departement_of
from protocol.measures import CURVE_MIN, GROUP_MIN, MeasureKind
from protocol.roster import Membership

_CODE_MAX = 48


class GroupProposal(msgspec.Struct, frozen=True):
    """A group for a measures document, as `volet cloud measures draw-up` reads it.

    `roster` is the number of households that count in it now.
    """

    measure: str
    code: str
    areas: tuple[str, ...]
    provider: str
    roster: int


class CellStatus(msgspec.Struct, frozen=True):
    """A cell and what it still needs.

    `counted` of its `households` count towards a threshold. `merged_with` are the areas with which
    it forms a curve's group; `is_enough` is set if that group is large enough.
    """

    cell: str
    name: str
    households: int
    counted: int
    needs_for_classes: int
    needs_for_curve: int
    merged_with: tuple[str, ...]
    is_enough: bool


class _Bin(msgspec.Struct):
    """Areas that are merged, and how many households count in them."""

    areas: list[str]
    count: int


def status(memberships: Iterable[Membership], codes: Codes) -> tuple[CellStatus, ...]:
    """Return every cell with at least one household, by code."""
    all_memberships = list(memberships)
    households = Counter(_cell(membership) for membership in all_memberships)
    counted = Counter(_cell(membership) for membership in all_memberships if membership.is_counted)
    bins = merged({cell: counted[cell] for cell in households}, CURVE_MIN)
    numbers = {
        area: number for number, merged_cells in enumerate(bins) for area in merged_cells.areas
    }
    number_of = {cell: numbers.get(cell, numbers.get(commune_of(cell), 0)) for cell in households}
    together: dict[int, list[str]] = defaultdict(list)
    for cell in sorted(households):
        together[number_of[cell]].append(cell)
    statuses = []
    for cell in sorted(households):
        merged_cells, siblings = bins[number_of[cell]], together[number_of[cell]]
        statuses.append(
            CellStatus(
                cell,
                codes.name(cell),
                households[cell],
                counted[cell],
                max(0, GROUP_MIN - counted[cell]),
                max(0, CURVE_MIN - counted[cell]),
                tuple(other for other in siblings if other != cell),
                merged_cells.count >= CURVE_MIN,
            )
        )
    return tuple(statuses)


def proposals(memberships: Iterable[Membership], codes: Codes) -> tuple[GroupProposal, ...]:
    """Return the groups that are large enough, by measure and code.

    Curves are grouped by cell, profiles by commune, classes by département and provider. Groups
    that are too small are merged with siblings; those still too small are not proposed.
    """
    counted = [membership for membership in memberships if membership.is_counted]
    cells = Counter(_cell(membership) for membership in counted)
    communes = Counter(commune_of(_cell(membership)) for membership in counted)
    groups = [
        *_proposals(MeasureKind.CURVE, merged(cells, CURVE_MIN), CURVE_MIN),
        *_proposals(MeasureKind.PROFILE, merged(communes, GROUP_MIN), GROUP_MIN),
    ]
    for provider in sorted({membership.entry.provider for membership in counted} - {""}):
        count = Counter(
            departement_of(_cell(membership))
            for membership in counted
            if membership.entry.provider == provider
        )
        bins = _merged_by(count, lambda code: codes.region_of(code) or code, GROUP_MIN)
        groups += _proposals(MeasureKind.CLASSES, bins, GROUP_MIN, provider)
    return tuple(groups)


def merged(counts: Mapping[str, int], least: int) -> list[_Bin]:
    """Merge cells until each part has `least` households: first within a commune, then beyond.

    Every cell's code begins with the areas of exactly one part. A part may stay smaller if its
    whole département has no more households.
    """
    by_commune: dict[str, dict[str, int]] = defaultdict(dict)
    for cell, count in counts.items():
        by_commune[commune_of(cell)][cell] = count
    done: dict[str, list[_Bin]] = defaultdict(list)
    small: dict[str, int] = {}
    for commune, cells in sorted(by_commune.items()):
        if sum(cells.values()) < least:
            small[commune] = sum(cells.values())
        else:
            done[departement_of(commune)] += _within_commune(commune, cells, least)
    for departement in {departement_of(commune) for commune in small}:
        departement_counts = {
            code: n for code, n in small.items() if departement_of(code) == departement
        }
        bins, rest = _filled(departement_counts, least)
        done[departement] += bins
        if rest.areas:
            _join(done[departement], rest)
    return sorted(
        (merged_bin for bins in done.values() for merged_bin in bins),
        key=lambda merged_bin: merged_bin.areas,
    )


def _within_commune(commune: str, cells: Mapping[str, int], least: int) -> list[_Bin]:
    """Merge the IRIS of a commune that is large enough as a whole."""
    if any(len(cell) == COMMUNE_CHARACTERS for cell in cells):
        # A household has the commune itself as its cell, so an IRIS of it would be counted twice.
        return [_Bin([commune], sum(cells.values()))]
    bins = [_Bin([cell], count) for cell, count in sorted(cells.items()) if count >= least]
    more, rest = _filled({cell: n for cell, n in cells.items() if n < least}, least)
    bins += more
    if rest.areas:
        _join(bins, rest)
    return [_Bin([commune], bins[0].count)] if len(bins) == 1 else bins


def _merged_by(
    counts: Mapping[str, int], parent_of: Callable[[str], str], least: int
) -> list[_Bin]:
    """Merge codes with siblings of one parent."""
    done: list[_Bin] = []
    for parent in sorted({parent_of(code) for code in counts}):
        siblings = {code: n for code, n in counts.items() if parent_of(code) == parent}
        bins = [_Bin([code], count) for code, count in sorted(siblings.items()) if count >= least]
        more, rest = _filled({code: n for code, n in siblings.items() if n < least}, least)
        bins += more
        if rest.areas:
            _join(bins, rest)
        done += bins
    return done


def _filled(counts: Mapping[str, int], least: int) -> tuple[list[_Bin], _Bin]:
    """Fill parts in the order of codes, which roughly follows the map; return them and the rest."""
    bins: list[_Bin] = []
    rest = _Bin([], 0)
    for code, count in sorted(counts.items()):
        rest.areas.append(code)
        rest.count += count
        if rest.count >= least:
            bins.append(rest)
            rest = _Bin([], 0)
    return bins, rest


def _join(bins: list[_Bin], rest: _Bin) -> None:
    """Add the rest to the smallest part, or make it a part of its own."""
    if not bins:
        bins.append(rest)
        return
    smallest = min(bins, key=lambda candidate: (candidate.count, candidate.areas))
    smallest.areas = sorted([*smallest.areas, *rest.areas])
    smallest.count += rest.count


def _proposals(
    kind: MeasureKind, bins: Iterable[_Bin], least: int, provider: str = ""
) -> list[GroupProposal]:
    return [
        GroupProposal(kind, _code(group.areas, provider), tuple(group.areas), provider, group.count)
        for group in sorted(bins, key=lambda group: group.areas)
        if group.count >= least
    ]


def _code(areas: list[str], provider: str) -> str:
    """Name a group by its first area, the number of further areas, and the provider."""
    more = f"+{len(areas) - 1}" if len(areas) > 1 else ""
    suffix = re.sub(r"[^0-9A-Za-z.-]", "-", provider)
    return f"{areas[0]}{more}{'/' if suffix else ''}{suffix}"[:_CODE_MAX]


def _cell(membership: Membership) -> str:
    return membership.entry.cell or ""
