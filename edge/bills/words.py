"""Household texts of bills, in French and English."""

from edge.bills.judgement import Verdict
from edge.language.typography import bilingual

VERDICTS = bilingual(
    fr={
        Verdict.CORRECT: "vérifiée par votre boîtier : elle est juste.",
        Verdict.DIFFERS: "NE CONCORDE PAS avec votre compteur. Le montant ci-dessous est le vôtre.",
        Verdict.REFUSED: "refusée.",
    },
    en={
        Verdict.CORRECT: "checked by your own chip: correct.",
        Verdict.DIFFERS: "DOES NOT AGREE with your meter. The amount below is your meter's.",
        Verdict.REFUSED: "refused.",
    },
)

WORDS = bilingual(
    fr={
        "bill": "Facture d'électricité",
        "credit": "Avoir",
        "bill_for": "Facture du {first} au {last} : {verdict}",
        "period": "Période",
        "from_to": "du {start} au {end}",
        "contract": "Contrat",
        "statement": "Relevé chiffré",
        "product": "Offre",
        "checked": "Vérifiée par votre propre boîtier",
        "checked_how": (
            "Votre fournisseur n'a reçu aucune courbe de charge. La collectivité a calculé ce relevé "
            "sur des valeurs chiffrées ; votre boîtier l'a ouvert, l'a comparé à votre compteur et a "
            "établi le montant lui-même."
        ),
        "estimated": "Estimée en partie : voir ci-dessous",
        "differs": "Cette facture ne concorde pas avec votre compteur",
        "differs_how": (
            "Les montants ci-dessous sont ceux de votre compteur. Gardez cette page et écrivez à "
            "votre fournisseur."
        ),
        "subscription": "Abonnement",
        "energy": "Consommation",
        "taxes": "Taxes et contributions",
        "line": "Désignation",
        "quantity": "Quantité",
        "unit_price": "Prix unitaire HT",
        "ht": "Montant HT",
        "vat_rate": "TVA",
        "subtotal": "Sous-total",
        "total_ht": "Total HT",
        "vat": "TVA {rate} % sur {base}",
        "vat_short": "TVA",
        "total_ttc": "Total TTC",
        "to_pay": "Montant à payer TTC",
        "to_receive": "Montant en votre faveur TTC",
        "market_price": "prix de marché",
        "late": "report du {start} au {end}",
        "indices": "Relevés de votre compteur",
        "register": "Poste",
        "index_start": "Index de début",
        "index_end": "Index de fin",
        "consumption": "Consommation",
        "comparison": "Par rapport à la période précédente",
        "this_period": "Cette période",
        "previous_period": "Période précédente",
        "per_day": "{kwh} kWh par jour · {eur} € TTC par jour",
        "no_previous": "C'est votre première facture : rien à comparer encore.",
        "no_detail": (
            "Cette facture ne dit rien de vos journées : vous pouvez la montrer sans dévoiler quand "
            "vous êtes chez vous."
        ),
        "proof": (
            "Le reçu que votre boîtier remet à votre fournisseur prouve ce total à {cents} centimes "
            "près : les lignes et la TVA sont arrondies."
        ),
        "messages": "Messages de votre fournisseur, que vous seul pouvez lire",
        "none_yet": "Aucune facture n'est encore arrivée.",
        "billed": "Ces jours sont déjà réglés par une facture juste ; rien à faire.",
        "replaced": "Une autre facture compte ces jours, et elle est juste ; rien à faire.",
        "other_days": "Les factures des jours qui les entourent sont justes depuis.",
        "postponed": (
            "Factures arrivées, pas encore vérifiées : {count}. Votre boîtier ne sait pas encore "
            "quel compteur a compté ; il les vérifie dès qu'il a lu celui de votre contrat."
        ),
    },
    en={
        "bill": "Electricity bill",
        "credit": "Credit note",
        "bill_for": "Bill for {first} to {last}: {verdict}",
        "period": "Period",
        "from_to": "{start} to {end}",
        "contract": "Contract",
        "statement": "Encrypted statement",
        "product": "Offer",
        "checked": "Checked by your own chip",
        "checked_how": (
            "Your provider has received no load curve. The collectivity computed this statement on "
            "encrypted values; your chip opened it, compared it with your meter and worked out the "
            "amount itself."
        ),
        "estimated": "Estimated in part: see below",
        "differs": "This bill does not agree with your meter",
        "differs_how": (
            "The amounts below are your meter's. Keep this page and write to your provider."
        ),
        "subscription": "Subscription",
        "energy": "Energy",
        "taxes": "Taxes and contributions",
        "line": "Description",
        "quantity": "Quantity",
        "unit_price": "Unit price before tax",
        "ht": "Amount before tax",
        "vat_rate": "VAT",
        "subtotal": "Subtotal",
        "total_ht": "Total before tax",
        "vat": "VAT {rate} % on {base}",
        "vat_short": "VAT",
        "total_ttc": "Total",
        "to_pay": "Amount to pay, tax included",
        "to_receive": "Amount in your favour, tax included",
        "market_price": "market price",
        "late": "carried over from {start} to {end}",
        "indices": "Readings of your meter",
        "register": "Register",
        "index_start": "Index at the start",
        "index_end": "Index at the end",
        "consumption": "Consumption",
        "comparison": "Compared with the period before",
        "this_period": "This period",
        "previous_period": "Period before",
        "per_day": "{kwh} kWh a day · {eur} € a day, tax included",
        "no_previous": "This is your first bill: nothing to compare with yet.",
        "no_detail": (
            "This bill says nothing of your days: you can show it without telling when you are home."
        ),
        "proof": (
            "The receipt that your chip hands to your provider proves this total to within {cents} "
            "cents: lines and VAT are rounded."
        ),
        "messages": "Messages of your provider that only you can read",
        "none_yet": "No bill has arrived yet.",
        "billed": "A correct bill has billed these days already; nothing is to do.",
        "replaced": "Another bill has billed these days correctly since; nothing is left to do.",
        "other_days": "Bills of the days around them are correct since.",
        "postponed": (
            "Bills that have arrived and are not checked yet: {count}. Your chip does not know yet "
            "which meter counted; it checks them as soon as it has read your contract's."
        ),
    },
)
