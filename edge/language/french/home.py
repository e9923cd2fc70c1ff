"""French errors and answers about the household's own smart home."""

HOME = {
    "Give one of --show and --remove.": "Donnez soit --show, soit --remove.",
    "--yes goes with --remove.": "--yes va avec --remove.",
    "{directory}/edge.toml names no broker of your home; nothing is told. To tell it: add the table "
    '[home] with broker = "HOST".': (
        "{directory}/edge.toml ne nomme aucun serveur de votre maison ; rien n'est dit. Pour le lui "
        'dire : ajoutez la table [home] avec broker = "HOST".'
    ),
    "The home's broker was told nothing; there is nothing to forget.": (
        "Rien n'a été dit au serveur de la maison ; il n'y a rien à oublier."
    ),
    "Have the home's broker forget these topics?": (
        "Faire oublier ces sujets au serveur de la maison ?"
    ),
    "The home's broker has forgotten these topics. Take the table [home] out of edge.toml before you "
    "start the chip again, or it tells everything anew.": (
        "Le serveur de la maison a oublié ces sujets. Retirez la table [home] d'edge.toml avant de "
        "redémarrer le boîtier, sinon il redit tout."
    ),
    "The home's broker: {broker}:{port}, {how}.": (
        "Le serveur de la maison : {broker}:{port}, {how}."
    ),
    "Beside these, {topic} says whether the chip is there. The values of a frame, such as power and "
    "tariff period, are added while the chip runs, every five seconds.": (
        "En outre, {topic} dit si le boîtier est là. Les valeurs d'une trame, comme la puissance et "
        "la période tarifaire, s'y ajoutent quand le boîtier tourne, toutes les cinq secondes."
    ),
    "home.ca = {ca} is the authority of your collectivity's broker; name that of your own broker in "
    "edge.toml.": (
        "home.ca = {ca} est l'autorité du serveur de votre collectivité ; nommez dans edge.toml celle "
        "de votre propre serveur."
    ),
    "home.broker = {broker} is at {found}, which is not on a home network; name a broker of your own "
    "there.": (
        "home.broker = {broker} est à l'adresse {found}, qui n'est pas celle d'un réseau domestique ; "
        "nommez un serveur à vous sur le vôtre."
    ),
    "home.broker = {broker}:{port} is your collectivity's broker; name that of your own home in "
    "edge.toml.": (
        "home.broker = {broker}:{port} est le serveur de votre collectivité ; nommez dans edge.toml "
        "celui de votre maison."
    ),
    "{path} holds no certificate in PEM: {error}; name the right file.": (
        "{path} ne contient pas de certificat en PEM : {error} ; nommez le bon fichier."
    ),
    "write the password of the household's broker into it, mode 0600.": (
        "écrivez-y le mot de passe du serveur de la maison, droits 0600."
    ),
    "{path} is no text; write the password into it.": (
        "{path} n'est pas du texte ; écrivez-y le mot de passe."
    ),
    "delete it; the smart home then finds a new device.": (
        "supprimez-le ; la maison connectée trouve alors un nouvel appareil."
    ),
    "The home's broker sends although nothing was asked of it.": (
        "Le serveur de la maison envoie alors que rien ne lui est demandé."
    ),
    "The home's broker refuses the chip: {code}; look at home.user and its password.": (
        "Le serveur de la maison refuse le boîtier : {code} ; vérifiez home.user et son mot de passe."
    ),
    "The home's broker {broker}:{port} cannot be reached: {error}; look whether it runs.": (
        "Le serveur de la maison {broker}:{port} est injoignable : {error} ; vérifiez qu'il tourne."
    ),
    "The home's broker does not answer; look whether it runs.": (
        "Le serveur de la maison ne répond pas ; vérifiez qu'il tourne."
    ),
}
