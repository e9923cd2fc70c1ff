"""French errors and answers about the household's own smart home."""

HOME = {
    "Give one of --show, --on and --remove.": "Donnez --show, --on ou --remove, un seul.",
    "--yes goes with --on or --remove.": "--yes va avec --on ou --remove.",
    "This household has left on {day}; the meter counts for others now, and nothing of it is told.": (
        "Ce foyer est parti le {day} ; le compteur compte pour d'autres, et rien n'en est dit."
    ),
    "Tell this broker what your meter shows, every five seconds?": (
        "Dire à ce serveur ce que montre votre compteur, toutes les cinq secondes ?"
    ),
    "Your smart home is told from now on, while the chip runs; `volet edge home --remove` takes it "
    "back.": (
        "Votre maison connectée l'apprend désormais, tant que le boîtier tourne ; `volet edge home "
        "--remove` le retire."
    ),
    "Tell the home's broker nothing any more, and have it forget these topics?": (
        "Ne plus rien dire au serveur de la maison, et lui faire oublier ces sujets ?"
    ),
    "The home's broker is told nothing any more, and has forgotten these topics.": (
        "Le serveur de la maison n'apprend plus rien, et a oublié ces sujets."
    ),
    "The home's broker is told nothing any more; it retains nothing of you.": (
        "Le serveur de la maison n'apprend plus rien ; il ne garde rien de vous."
    ),
    "It is told this:": "Il apprend ceci :",
    "It is off, and nothing is told. `volet edge home --on` would tell this:": (
        "C'est éteint, et rien n'est dit. `volet edge home --on` dirait ceci :"
    ),
    "type `volet edge home --on` again.": "retapez `volet edge home --on`.",
    "The chip goes on with its smart home; stop the chip, then type the command again.": (
        "Le boîtier continue avec sa maison connectée ; arrêtez-le, puis retapez la commande."
    ),
    "What your home was told is retained by {where}, which edge.toml does not name; name it there in "
    "the table [home], and have it forget first.": (
        "Ce qui a été dit à votre maison est gardé par {where}, qu'edge.toml ne nomme pas ; "
        "nommez-le dans sa table [home], et faites-le d'abord oublier."
    ),
    "another broker": "un autre serveur",
    "The home's broker does not forget this household: {why} It retains these topics until somebody "
    "removes them there:": (
        "Le serveur de la maison n'oublie pas ce foyer : {why} Il garde ces sujets tant que personne ne "
        "les y retire :"
    ),
    "Another command is at it.": "Une autre commande s'en occupe.",
    "{directory}/edge.toml names no broker of your home; nothing is told. To tell it: add the table "
    '[home] with broker = "HOST".': (
        "{directory}/edge.toml ne nomme aucun serveur de votre maison ; rien n'est dit. Pour le lui "
        'dire : ajoutez la table [home] avec broker = "HOST".'
    ),
    "The home's broker was told nothing; there is nothing to forget.": (
        "Rien n'a été dit au serveur de la maison ; il n'y a rien à oublier."
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
