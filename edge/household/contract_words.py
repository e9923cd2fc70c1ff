"""What a household reads before it says yes to a request or to its answer, on page and console alike.

Prices and warnings are in the contract itself; who sees it and what leaves the home is here.
"""

from edge.household.shown_agreements import ShownContract
from edge.language.choice import Lang
from edge.language.numbers import day_text
from edge.language.typography import bilingual

CONTRACT_WORDS = bilingual(
    fr={
        "offer": "Offre",
        "contract_days": "Jours",
        "contract_meter": "Compteur",
        "contract_receipts": "Les reçus",
        "contract_prices": "Les prix",
        "contract_name": "Contrat",
        "from_on": "à partir du {first}",
        "who_sees": "Qui le voit",
        "request_holds": "Ce contrat est dans la demande :",
        "request_means": (
            "La demande porte les clés publiques de ce boîtier et ce qui est écrit ici, signé par lui. Elle "
            "ne part pas toute seule : vous la donnez à la collectivité."
        ),
        "request_none": (
            "Elle ne porte aucun contrat : le boîtier comptera, et aucune facture ne viendra."
        ),
        "who_request": (
            "La collectivité et, par elle, votre fournisseur voient l'offre, le premier jour et vos choix ; "
            "du numéro du compteur, seulement une empreinte. Ni l'une ni l'autre ne voit votre courbe."
        ),
        "answer_contract": "Le contrat que cette réponse met en vigueur",
        "answer_none": "Aucun : le boîtier comptera, et aucune facture ne viendra.",
    },
    en={
        "offer": "Offer",
        "contract_days": "Days",
        "contract_meter": "Meter",
        "contract_receipts": "Receipts",
        "contract_prices": "Prices",
        "contract_name": "Contract",
        "from_on": "from {first} on",
        "who_sees": "Who sees it",
        "request_holds": "This contract is in the request:",
        "request_means": (
            "The request holds the public keys of this chip and what is written here, signed by it. It does "
            "not leave by itself: you hand it to the collectivity."
        ),
        "request_none": "It holds no contract: the chip will meter, and no bill will come.",
        "who_request": (
            "The collectivity, and your provider through it, see the offer, the first day and your choices; "
            "of the meter's serial only a hash. Neither sees your curve."
        ),
        "answer_contract": "The contract that this answer puts in force",
        "answer_none": "None: the chip will meter, and no bill will come.",
    },
)


def contract_rows(contract: ShownContract, lang: Lang) -> list[tuple[str, str]]:
    """Return a contract that is asked for: labels with texts."""
    words = CONTRACT_WORDS[lang]
    return [
        (words["offer"], f"{contract.provider} – {contract.product}"),
        *meter_rows(contract, lang),
        (words["contract_days"], words["from_on"].format(first=day_text(contract.first, lang))),
        *((row.label, row.text) for row in contract.terms),
        (words["contract_receipts"], contract.receipts),
        (words["contract_prices"], contract.prices),
        (words["contract_name"], contract.contract),
    ]


def meter_rows(contract: ShownContract, lang: Lang) -> list[tuple[str, str]]:
    """Return the row of a contract's meter; none if that is not the one on the line."""
    return [(CONTRACT_WORDS[lang]["contract_meter"], contract.meter)] if contract.meter else []
