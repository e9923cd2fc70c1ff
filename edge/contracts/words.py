"""What is said of contracts and the meter's line, in French and English."""

from edge.language import Lang

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
