"""French errors and answers about the line that is repeated on the home network."""

REPEATER = {
    "Everybody on the home network can then read what the meter sends, each second: your whole curve, "
    "and when you are at home. Repeat the line?": (
        "Quiconque est sur le réseau de la maison pourra alors lire ce que le compteur envoie, chaque "
        "seconde : toute votre courbe, et quand vous êtes chez vous. Répéter la ligne ?"
    ),
    "Everybody on the home network can then read what the meter sends, each second: your whole curve, "
    "when you are at home, and the true numbers of your meter and point of delivery, by which others "
    "know you. Repeat the line?": (
        "Quiconque est sur le réseau de la maison pourra alors lire ce que le compteur envoie, chaque "
        "seconde : toute votre courbe, quand vous êtes chez vous, et les vrais numéros de votre "
        "compteur et de votre point de livraison, par lesquels d'autres vous connaissent. Répéter la "
        "ligne ?"
    ),
    "This household has left, and its line is not repeated any more; nothing is to be done.": (
        "Ce foyer est parti, et sa ligne n'est plus répétée ; il n'y a rien à faire."
    ),
    "--port, --address, --true-numbers and --yes go with `on`.": (
        "--port, --address, --true-numbers et --yes vont avec `on`."
    ),
    "{address} is no address of a home's network, and whoever reads the line there reads the whole "
    "curve; name a private one, or none.": (
        "{address} n'est pas une adresse d'un réseau domestique, et qui lit la ligne y lit toute la "
        "courbe ; nommez une adresse privée, ou aucune."
    ),
}
