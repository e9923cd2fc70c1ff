"""Names of providers as people read them: one form, and nothing that looks like another's."""

import unicodedata

from protocol.errors import DocumentRefused

TITLE_LENGTH_MAX = 80


def check_title(text: str) -> str:
    """Return a name in its one form (NFKC, single spaces).

    Raises:
        DocumentRefused: it is empty, too long, or has characters that cannot be printed.
    """
    title = " ".join(unicodedata.normalize("NFKC", text).split())
    if not 1 <= len(title) <= TITLE_LENGTH_MAX or not title.isprintable():
        raise DocumentRefused(
            f"A provider's title has 1 to {TITLE_LENGTH_MAX} printable characters; write it as its "
            "offers show it."
        )
    return title


def look_of(title: str) -> str:
    """Return what is the same for names that look alike: letters and digits without accents.

    Of characters that Unicode lists as confusable one stands for all.
    """
    plain = unicodedata.normalize("NFKD", title.casefold())
    return "".join(_prototype(sign) for sign in plain if sign.isalnum())


def _prototype(sign: str) -> str:
    alike = {sign}
    for known in (sign, *_homoglyphs(sign)):
        alike |= {known, *_homoglyphs(known)}
    return min(other.casefold() for other in alike)


def _homoglyphs(sign: str) -> list[str]:
    # Imported here: its tables take a tenth of a second to read, at the start of every command.
    from confusable_homoglyphs.confusables import confusables_data  # noqa: PLC0415

    return [found["c"] for found in confusables_data.get(sign, ()) if len(found["c"]) == 1]
