"""Names of a meter's tariff calendar, and which of them use the same registers.

In historique mode a meter names its calendar by OPTARIF, in standard mode by NGTF. A supplier or
the grid operator may switch the mode without changing contract or registers, so calendars must be
compared with `count_alike`. Two names are alike only if each register, 1 to 10, counts the same
hours under both. A calendar of standard mode only (H SUPER CREUSES, …) is alike only to itself.
"""

# OPTARIF, without padding and programme code, and the NGTF of the same registers in the same order:
# HCHC, HCHP are EASF01, 02; BBRHCJB … BBRHPJR are EASF01 … 06. BASE and EJP have the same name.
_STANDARD_NAMES = {"HC": "H PLEINE/CREUSE", "BBR": "TEMPO"}
# All names of the calendars that exist in both modes.
KNOWN_CALENDARS = frozenset({"BASE", "EJP", *_STANDARD_NAMES, *_STANDARD_NAMES.values()})


def optarif_name(optarif: str) -> str:
    """Return OPTARIF without its padding and programme code: `HC..` is HC, `BBR(` is BBR."""
    return "BBR" if optarif.startswith("BBR") else optarif.strip(" .")


def standard_name(calendar: str) -> str:
    """Return the standard mode's name for a calendar's registers."""
    return _STANDARD_NAMES.get(calendar, calendar)


def count_alike(calendar: str, other: str) -> bool:
    """Return whether two names mean the same registers."""
    return standard_name(calendar) == standard_name(other)


def names_of(calendar: str) -> frozenset[str]:
    """Return all names of a calendar's registers, including `calendar` itself."""
    standard = standard_name(calendar)
    others = (name for name, alike in _STANDARD_NAMES.items() if alike == standard)
    return frozenset({calendar, standard, *others})
