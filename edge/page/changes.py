"""What a form of the page may change: where it is sent, its words, and what the chip is asked.

Each change is asked for twice: the form's first sending shows what it means and what leaves the
home, and changes nothing.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import msgspec

from edge.household.messages import (
    AskForQuotes,
    CapYear,
    KeepCurve,
    Question,
    SetProfile,
    TakePart,
)
from edge.language.choice import Lang

_AGES = tuple(f"age{n}" for n in range(6))


class Change(NamedTuple):
    """A change: `words` names its texts (`_title`, `_means`, `_yes`), `back` the page of its form.

    `fields` are those of the form, `read` what they ask for: the fields of a question of `kind`.
    """

    path: str
    back: str
    words: str
    kind: type[Question]
    fields: tuple[str, ...] = ()
    read: Callable[[Mapping[str, str]], dict[str, object]] = dict


def read_change(change: Change, form: Mapping[str, str], lang: Lang) -> Question:
    """Return what a form asks of the chip.

    Raises:
        ValueError: a field is missing, or is not what the page's own form sends.
    """
    try:
        fields = change.read({name: form[name] for name in change.fields})
        asked: Question = msgspec.convert(fields | {"lang": lang}, change.kind, strict=False)
    except KeyError as exc:
        raise ValueError(f"the field {exc} is missing") from exc
    return asked


def _profile(form: Mapping[str, str]) -> dict[str, object]:
    """Return who lives here; a field that was left empty counts nobody."""
    return {"ages": [form[name] or "0" for name in _AGES], "employed": form["employed"] or "0"}


CHANGES = (
    Change(
        "/accords/participer", "/accords", "take_part", TakePart, read=lambda _: {"is_on": True}
    ),
    Change("/accords/arreter", "/accords", "stop_part", TakePart, read=lambda _: {"is_on": False}),
    Change("/accords/foyer", "/accords", "set_profile", SetProfile, (*_AGES, "employed"), _profile),
    Change("/accords/oublier", "/accords", "forget_profile", SetProfile),
    Change("/budget/plafond", "/budget", "cap_year", CapYear, ("rho",)),
    Change("/offres/demander", "/offres", "ask_quotes", AskForQuotes),
    Change("/donnees/garder", "/donnees", "keep_months", KeepCurve, ("months",)),
)
