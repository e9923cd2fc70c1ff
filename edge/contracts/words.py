"""Household texts about contracts and the meter's line, in French and English."""

from edge.language.typography import bilingual
from edge.metering.events import NoticeKind
from protocol.contract import Consent

SERIAL_FORM = bilingual(
    fr=(
        "Le numéro d'un compteur a 12 chiffres ; il est inscrit sur le compteur et sa sortie TIC "
        "le donne comme ADSC ou ADCO."
    ),
    en=(
        "A meter's serial has 12 digits; it is printed on the meter, and its TIC output gives it "
        "as ADSC or ADCO."
    ),
)
ANOTHER_METER = bilingual(
    fr=(
        "--meter n'est pas le compteur que ce boîtier lit ; omettez --meter pour prendre celui-ci, "
        "ou reliez le boîtier au bon compteur."
    ),
    en=(
        "--meter is not the meter that this chip reads; leave --meter out to take that one, or "
        "connect the chip to the right meter."
    ),
)
NOT_READ = bilingual(
    fr=("Ce boîtier n'a pas encore lu de compteur ; nommez-le (--meter), ou reliez sa sortie TIC."),
    en=("This chip has read no meter yet; name it (--meter), or connect the meter's TIC output."),
)

# By whether the collectivity has answered a request with the offer.
WHOSE = bilingual(
    fr={
        False: (
            "Personne n'a encore confirmé que cette clé est celle de {provider} : n'importe qui peut signer "
            "une offre sous ce nom. La collectivité compare nom et clé avec son registre quand elle répond, "
            "et refuse un nom qu'elle connaît sous une autre clé."
        ),
        True: (
            "La collectivité a répondu à la demande qui la porte, et ne connaît aucune autre clé sous ce "
            "nom."
        ),
    },
    en={
        False: (
            "Nobody has confirmed yet that this key is {provider}'s: anyone can sign an offer under that "
            "name. The collectivity compares name and key with its register when it answers, and refuses a "
            "name that it knows with another key."
        ),
        True: (
            "The collectivity has answered the request with it, and knows no other key under this name."
        ),
    },
)
SIGNED_WITH = bilingual(fr="Signée par la clé", en="Signed with the key")
WHOSE_KEY = bilingual(fr="De qui est cette clé", en="Whose key it is")
CONSENTS = bilingual(
    fr={
        Consent.NOTHING: "ne disent rien au fournisseur",
        Consent.TOTAL: "disent le total au fournisseur",
        Consent.LINES: "disent au fournisseur le total et les kWh de chaque ligne",
    },
    en={
        Consent.NOTHING: "tell the provider nothing",
        Consent.TOTAL: "tell the provider the total",
        Consent.LINES: "tell the provider the total and the kWh of each line",
    },
)
PRICES = bilingual(
    fr={
        True: "suivent les offres publiées qui prolongent celle-ci",
        False: "restent ceux de cette offre",
    },
    en={
        True: "follow listed offers that extend this one",
        False: "stay those of this offer",
    },
)
AS_BEFORE = bilingual(fr=", comme jusqu'ici", en=", as until now")

# Differences that are present.
NOTICES = bilingual(
    fr={
        NoticeKind.METER_DIFFERS: (
            "Le compteur branché n'est pas celui de votre contrat : pour ses jours, aucune facture "
            "n'est dite juste et aucun reçu ne part."
        ),
        NoticeKind.CALENDAR_DIFFERS: (
            "Votre compteur suit un autre calendrier tarifaire que celui de votre contrat : pour ses "
            "jours, aucune facture n'est dite juste et aucun reçu ne part."
        ),
        NoticeKind.POWER_DIFFERS: (
            "La puissance réglée au compteur n'est pas celle du tarif de votre contrat."
        ),
    },
    en={
        NoticeKind.METER_DIFFERS: (
            "The meter on the line is not the one that your contract names: for its days, bills are "
            "not marked correct and receipts are not sent."
        ),
        NoticeKind.CALENDAR_DIFFERS: (
            "Your meter counts by another tariff calendar than your contract's: for its days, bills "
            "are not marked correct and receipts are not sent."
        ),
        NoticeKind.POWER_DIFFERS: (
            "Your meter is set to another subscribed power than your contract's tariff is for."
        ),
    },
)
# Differences that are past, and the notice that ended them.
PAST_NOTICES = bilingual(
    fr={
        NoticeKind.METER_DIFFERS: (
            "Le compteur branché n'était pas celui de votre contrat ; ce n'est plus le cas."
        ),
        NoticeKind.CALENDAR_DIFFERS: (
            "Votre compteur suivait un autre calendrier tarifaire que celui de votre contrat ; ce "
            "n'est plus le cas."
        ),
        NoticeKind.POWER_DIFFERS: (
            "La puissance réglée au compteur n'était pas celle du tarif de votre contrat ; ce n'est "
            "plus le cas."
        ),
        NoticeKind.CONTRACT_FITS: "Un écart avec votre contrat avait disparu.",
    },
    en={
        NoticeKind.METER_DIFFERS: (
            "The meter on the line was not the one that your contract names; that is over."
        ),
        NoticeKind.CALENDAR_DIFFERS: (
            "Your meter counted by another tariff calendar than your contract's; that is over."
        ),
        NoticeKind.POWER_DIFFERS: (
            "Your meter was set to another subscribed power than your contract's tariff is for; "
            "that is over."
        ),
        NoticeKind.CONTRACT_FITS: "What had differed from your contract no longer did.",
    },
)
