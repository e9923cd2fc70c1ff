"""What is said of contracts and the meter's line, in French and English."""

from edge.language import Lang
from edge.metering.events import NoticeKind

SERIAL_FORM = {
    Lang.FR: (
        "Le numéro d'un compteur a 12 chiffres ; il est inscrit sur le compteur et sa sortie TIC "
        "le donne comme ADSC ou ADCO."
    ),
    Lang.EN: (
        "A meter's serial has 12 digits; it is printed on the meter, and its TIC output gives it "
        "as ADSC or ADCO."
    ),
}
ANOTHER_METER = {
    Lang.FR: (
        "--meter n'est pas le compteur que ce boîtier lit ; omettez --meter pour prendre celui-ci, "
        "ou reliez le boîtier au bon compteur."
    ),
    Lang.EN: (
        "--meter is not the meter that this chip reads; leave --meter out to take that one, or "
        "connect the chip to the right meter."
    ),
}
MASKED = {
    Lang.FR: (
        "La ligne masque le numéro de son compteur, qu'aucun contrat ne peut donc nommer ; reliez "
        "le boîtier au compteur lui-même."
    ),
    Lang.EN: (
        "The line masks its meter's serial, so that no contract can name it; connect the chip to "
        "the meter itself."
    ),
}
NOT_READ = {
    Lang.FR: (
        "Ce boîtier n'a pas encore lu de compteur ; nommez-le (--meter), ou reliez sa sortie TIC."
    ),
    Lang.EN: (
        "This chip has read no meter yet; name it (--meter), or connect the meter's TIC output."
    ),
}

NOTICES = {
    Lang.FR: {
        NoticeKind.METER_DIFFERS: (
            "Le compteur branché n'est pas celui de votre contrat : pour ses jours, aucune facture "
            "n'est dite juste et aucun reçu ne part."
        ),
        NoticeKind.CALENDAR_DIFFERS: (
            "Votre compteur suit un autre calendrier tarifaire que celui de votre contrat."
        ),
        NoticeKind.POWER_DIFFERS: (
            "La puissance réglée au compteur n'est pas celle du tarif de votre contrat."
        ),
        NoticeKind.CONTRACT_FITS: (
            "Un écart avec votre contrat a disparu ; ceux qui restent suivent."
        ),
    },
    Lang.EN: {
        NoticeKind.METER_DIFFERS: (
            "The meter on the line is not the one that your contract names: for its days no bill "
            "is called correct and no receipt leaves."
        ),
        NoticeKind.CALENDAR_DIFFERS: (
            "Your meter counts by another tariff calendar than your contract's."
        ),
        NoticeKind.POWER_DIFFERS: (
            "Your meter is set to another subscribed power than your contract's tariff is for."
        ),
        NoticeKind.CONTRACT_FITS: (
            "What differed from your contract does not any more; what still differs follows."
        ),
    },
}
