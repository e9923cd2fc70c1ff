"""Unpacks packed data: STGE, RELAIS, PJOURF+1 and PPOINTE.

Enedis-NOI-CPT_54E v3, pages 24 to 28.
"""

import msgspec

from edge.tic.frame import Frame

_UNUSED_SLOT = "NONUTILE"
_RELAYS = 8


class StatusRegister(msgspec.Struct, frozen=True):
    """The fields of STGE. Flags are 0 or 1; the other fields are the codes of 54E.

    `cutoff`: 0 closed, 1 over-power, 2 over-voltage, 3 load shed, 4 order by CPL or Euridis,
    5 and 6 overheating. `supplier_index` is NTARF; both indices count from 1. Tempo colours:
    0 none, 1 blue, 2 white, 3 red.
    """

    dry_contact_open: int
    cutoff: int
    terminal_cover_open: int
    overvoltage: int
    over_reference_power: int
    producer: int
    active_energy_negative: int
    supplier_index: int
    distributor_index: int
    clock_degraded: int
    tic_standard: int
    euridis: int
    cpl_status: int
    cpl_sync: int
    tempo_today: int
    tempo_tomorrow: int
    pm_notice: int
    pm_active: int


class ProfileSlot(msgspec.Struct, frozen=True):
    """One used block of a day profile, from `start` (`HH:MM`) on.

    `index` 0: no change. `dry_contact`: 0 keep, 1 as Tempo says, 2 open, 3 closed.
    `virtual_contacts`: bit 0 is contact 1. `script` keeps the four raw hexadecimal digits.
    """

    start: str
    script: str
    index: int
    dry_contact: int
    virtual_contacts: int


class Decoded(msgspec.Struct, frozen=True, omit_defaults=True):
    """A frame's unpacked groups; None for each that the frame lacks."""

    stge: StatusRegister | None = msgspec.field(default=None, name="STGE")
    relais: tuple[int, ...] | None = msgspec.field(default=None, name="RELAIS")
    pjourf: tuple[ProfileSlot, ...] | None = msgspec.field(default=None, name="PJOURF+1")
    ppointe: tuple[ProfileSlot, ...] | None = msgspec.field(default=None, name="PPOINTE")


def decode_stge(value: str) -> StatusRegister:
    """Unpack STGE's eight hexadecimal digits."""
    word = int(value, 16)

    def bits(low: int, count: int = 1) -> int:
        return (word >> low) & ((1 << count) - 1)

    return StatusRegister(
        dry_contact_open=bits(0),
        cutoff=bits(1, 3),
        terminal_cover_open=bits(4),
        overvoltage=bits(6),
        over_reference_power=bits(7),
        producer=bits(8),
        active_energy_negative=bits(9),
        supplier_index=bits(10, 4) + 1,
        distributor_index=bits(14, 2) + 1,
        clock_degraded=bits(16),
        tic_standard=bits(17),
        euridis=bits(19, 2),
        cpl_status=bits(21, 2),
        cpl_sync=bits(23),
        tempo_today=bits(24, 2),
        tempo_tomorrow=bits(26, 2),
        pm_notice=bits(28, 2),
        pm_active=bits(30, 2),
    )


def decode_relais(value: str) -> tuple[int, ...]:
    """Return the state (0 or 1) of relays 1 to 8; relay 1 is the physical one."""
    word = int(value)
    return tuple((word >> relay) & 1 for relay in range(_RELAYS))


def decode_profile(value: str) -> tuple[ProfileSlot, ...]:
    """Return the used blocks of PJOURF+1 or PPOINTE in their order."""
    return tuple(_slot(block) for block in value.split(" ") if block != _UNUSED_SLOT)


def decode_views(frame: Frame) -> Decoded:
    """Unpack the packed groups of the frame."""
    groups = frame.groups
    stge, relais = groups.get("STGE"), groups.get("RELAIS")
    pjourf, ppointe = groups.get("PJOURF+1"), groups.get("PPOINTE")
    return Decoded(
        stge=decode_stge(stge.value) if stge else None,
        relais=decode_relais(relais.value) if relais else None,
        pjourf=decode_profile(pjourf.value) if pjourf else None,
        ppointe=decode_profile(ppointe.value) if ppointe else None,
    )


def _slot(block: str) -> ProfileSlot:
    script = block[4:]
    word = int(script, 16)
    return ProfileSlot(
        start=f"{block[:2]}:{block[2:4]}",
        script=script,
        index=word & 0xF,
        dry_contact=word >> 14,
        virtual_contacts=(word >> 4) & 0x7F,
    )
