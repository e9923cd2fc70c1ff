"""How the line is repeated on the home network, for the household, in words too."""

from contextlib import suppress
from pathlib import Path

from edge.language.choice import Lang
from edge.language.typography import NARROW_SPACE, bilingual
from edge.status.presence import Presence, StatusFile, is_running
from edge.tic.repeater.choice import (
    RepeaterChoice,
    RepeaterFault,
    RepeaterState,
    load_repeater,
)
from protocol.errors import ConfigError

WORDS = bilingual(
    en={
        "off": "not repeated on the home network",
        "all": "on port {port} of each private address of this machine",
        "one": "at {address}, port {port}",
        "masked": "the numbers of meter and point of delivery are replaced by others",
        "true": "with the true numbers of meter and point of delivery",
        "open": "everybody on the home network can read your whole curve",
        "clients": "{count} programs read it now",
        "one_client": "1 program reads it now",
        "no_client": "no program reads it now",
        RepeaterFault.PUBLIC: "nobody gets it: {address} is not an address of a home's network",
        RepeaterFault.TAKEN: "nobody gets it: another program holds port {port}",
        RepeaterFault.ABSENT: "nobody gets it: this machine does not have the address {address}",
        RepeaterFault.OTHER: "nobody gets it: this machine does not let it be opened",
        RepeaterFault.UNSERVED: "nobody gets it: the program that serves it does not run",
        RepeaterFault.STARTING: "the chip begins with it within seconds",
        RepeaterFault.STOPPED: "nobody gets it while the chip does not run",
    },
    fr={
        "off": "pas répétée sur le réseau de la maison",
        "all": "sur le port {port} de chaque adresse privée de cette machine",
        "one": "à l'adresse {address}, port {port}",
        "masked": "les numéros du compteur et du point de livraison sont remplacés par d'autres",
        "true": "avec les vrais numéros du compteur et du point de livraison",
        "open": "quiconque est sur le réseau de la maison peut lire toute votre courbe",
        "clients": "{count} programmes la lisent",
        "one_client": "1 programme la lit",
        "no_client": "aucun programme ne la lit",
        RepeaterFault.PUBLIC: (
            "personne ne la reçoit : {address} n'est pas une adresse d'un réseau domestique"
        ),
        RepeaterFault.TAKEN: "personne ne la reçoit : un autre programme tient le port {port}",
        RepeaterFault.ABSENT: "personne ne la reçoit : cette machine n'a pas l'adresse {address}",
        RepeaterFault.OTHER: "personne ne la reçoit : cette machine ne laisse pas l'ouvrir",
        RepeaterFault.UNSERVED: "personne ne la reçoit : le programme qui la sert ne tourne pas",
        RepeaterFault.STARTING: "le boîtier commence d'ici quelques secondes",
        RepeaterFault.STOPPED: "personne ne la reçoit tant que le boîtier ne tourne pas",
    },
)


def repeater_of(directory: Path, presence: Presence | None) -> RepeaterState | None:
    """Return how the line of the chip in `directory` is repeated, None if it is not to be.

    `presence` is the running chip's. A choice that cannot be read counts as none, as for the chip.
    """
    choice = RepeaterChoice()
    with suppress(ConfigError):
        choice = load_repeater(directory)
    if not choice.is_on:
        return None
    fault = RepeaterFault.STOPPED if presence is None else RepeaterFault.STARTING
    begun = RepeaterState(choice.port, choice.address, choice.has_true_numbers, fault, 0)
    now = None if presence is None else presence.repeater
    is_followed = now is not None and _place(now) == _place(begun)
    return now if is_followed else begun


def _place(state: RepeaterState) -> tuple[int, str, bool]:
    return state.port, state.address, state.has_true_numbers


def repeater_in(directory: Path) -> RepeaterState | None:
    """Return how the line of the chip in `directory` is repeated, None if it is not to be."""
    presence = StatusFile(directory).read().presence
    is_there = presence is not None and is_running(presence)
    return repeater_of(directory, presence if is_there else None)


def repeater_text(state: RepeaterState | None, lang: Lang) -> str:
    """Return what a household is told of it."""
    words = WORDS[lang]
    if state is None:
        return words["off"]
    place = words["one" if state.address else "all"]
    numbers = words["true" if state.has_true_numbers else "masked"]
    parts = [place, numbers, words[state.fault] if state.fault else words["open"]]
    if state.fault is None:
        name = {0: "no_client", 1: "one_client"}.get(state.clients, "clients")
        parts.append(words[name])
    return (
        (f"{NARROW_SPACE}; " if lang is Lang.FR else "; ")
        .join(parts)
        .format(port=state.port, address=state.address, count=state.clients)
    )
