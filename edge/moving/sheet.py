"""The recovery sheet: one printed page, in French and English, that goes with a bundle."""

import hashlib
from datetime import date
from html import escape
from pathlib import Path
from string import Template

import msgspec

from edge.language.choice import Lang
from edge.language.numbers import day_text
from edge.language.typography import typeset

LINE = "_" * 48
_GROUP = 4
_GROUPS_SHOWN = 8


class Sheet(msgspec.Struct, frozen=True):
    """The fields of the sheet; an empty `passphrase` leaves a line to write on."""

    made_on: date
    file: str
    fingerprint: str
    device: str
    has_ledger: bool
    passphrase: str = ""


def fingerprint_of(data: bytes) -> str:
    """Return the first 128 bits of a file's SHA-256 in groups of four, for people to compare."""
    digest = hashlib.sha256(data).hexdigest()
    groups = [digest[i * _GROUP : (i + 1) * _GROUP] for i in range(_GROUPS_SHOWN)]
    return " ".join(groups)


_FRENCH = typeset("""\
VOLET — FICHE DE SECOURS

Cette fiche va avec le fichier $file, fait le $made_on.
Il contient, chiffrés sous la phrase secrète : les clés de votre foyer, vos contrats$ledger_fr.
Sans lui, ou sans la phrase, personne ne peut ouvrir vos anciennes factures : ni nous, ni la
collectivité, ni votre fournisseur. Qui a les deux peut lire toute votre consommation.

Empreinte du fichier : $fingerprint
Boîtier d'origine    : $device
Où est le fichier    : $line
Phrase secrète       : $passphrase

Pour reprendre, sur l'autre boîtier :
    volet edge import $file
Rangez la fiche à part du fichier. Elle ne sert plus après une nouvelle exportation.
""")
_ENGLISH = """\
VOLET — RECOVERY SHEET

This sheet goes with the file $file, made on $made_on.
Under the passphrase it holds your household's keys, your contracts$ledger_en.
Without the file, or without the passphrase, nobody can open your old bills: not we, not the
collectivity, not your provider. Whoever has both can read all your consumption.

Fingerprint of the file: $fingerprint
Chip it came from      : $device
Where the file is      : $line
Passphrase             : $passphrase

To take up again, on the other chip:
    volet edge import $file
Keep this sheet away from the file. After another export it is of no use.
"""
_LEDGER = {
    True: (
        ", vos relevés et le compte de votre budget de vie privée",
        ", your readings and the account of your privacy budget",
    ),
    False: (
        typeset(" ; pas vos relevés : le budget de vie privée de l'année comptera comme dépensé"),
        "; not your readings: the year's privacy budget will count as spent",
    ),
}
_HTML = """\
<!doctype html>
<html lang="fr"><meta charset="utf-8"><title>Volet — fiche de secours</title>
<style>body{font:11pt/1.45 sans-serif;margin:2cm;max-width:17cm}pre{font:10.5pt/1.5 monospace;\
white-space:pre-wrap}section{break-inside:avoid;border-top:1px solid #000;padding-top:1em}</style>
<section lang="fr"><pre>$french</pre></section>
<section lang="en"><pre>$english</pre></section>
</html>
"""


def sheet_text(sheet: Sheet) -> str:
    """Return the sheet as text: French, then English."""
    french, english = _texts(sheet)
    return f"{french}\n{'-' * 72}\n\n{english}"


def sheet_html(sheet: Sheet) -> str:
    """Return the sheet as an HTML page to print."""
    french, english = _texts(sheet)
    return Template(_HTML).substitute(french=escape(french), english=escape(english))


def render(sheet: Sheet, path: Path) -> bytes:
    """Return the sheet in the format of `path`'s suffix: HTML, or else text."""
    is_html = path.suffix.lower() in (".html", ".htm")
    return (sheet_html(sheet) if is_html else sheet_text(sheet)).encode()


def _texts(sheet: Sheet) -> tuple[str, str]:
    ledger_fr, ledger_en = _LEDGER[sheet.has_ledger]
    fields = {
        "file": sheet.file,
        "fingerprint": sheet.fingerprint,
        "device": sheet.device,
        "line": LINE,
        "passphrase": sheet.passphrase or LINE,
        "ledger_fr": ledger_fr,
        "ledger_en": ledger_en,
    }
    return (
        Template(_FRENCH).substitute(fields, made_on=day_text(sheet.made_on, Lang.FR)),
        Template(_ENGLISH).substitute(fields, made_on=day_text(sheet.made_on, Lang.EN)),
    )
