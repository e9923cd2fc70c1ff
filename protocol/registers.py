"""Names of a meter's tariff calendar, and which of them count in the same registers.

In historique a meter names its calendar by OPTARIF, in standard mode by NGTF. A supplier or the
grid operator may switch the mode while contract and registers stay what they are, so whoever
compares calendars compares them by `count_alike`. Two names are alike only where each register,
1 to 10, counts the same hours under both; calendars that only the standard mode knows
(H SUPER CREUSES, …) are like none but themselves.
"""

# OPTARIF, without padding and programme code, and the NGTF of the same registers in the same order:
# HCHC, HCHP are EASF01, 02; BBRHCJB … BBRHPJR are EASF01 … 06. BASE and EJP are named alike.
_STANDARD_NAMES = {"HC": "H PLEINE/CREUSE", "BBR": "TEMPO"}
# Every name of a calendar that both modes know.
KNOWN_CALENDARS = frozenset({"BASE", "EJP", *_STANDARD_NAMES, *_STANDARD_NAMES.values()})


def optarif_name(optarif: str) -> str:
    """Return OPTARIF without its padding and programme code: `HC..` is HC, `BBR(` is BBR."""
    return "BBR" if optarif.startswith("BBR") else optarif.strip(" .")


def standard_name(calendar: str) -> str:
    """Return the name by which the standard mode knows a calendar's registers."""
    return _STANDARD_NAMES.get(calendar, calendar)


def count_alike(calendar: str, other: str) -> bool:
    """Return whether two names stand for the same registers."""
    return standard_name(calendar) == standard_name(other)


def names_of(calendar: str) -> frozenset[str]:
    """Return every name of a calendar's registers, `calendar` itself included."""
    standard = standard_name(calendar)
    others = (name for name, alike in _STANDARD_NAMES.items() if alike == standard)
    return frozenset({calendar, standard, *others})
