"""French of what `volet edge doctor` finds."""

DOCTOR = {
    "error:": "erreur :",
    "warning:": "avertissement :",
    "Nothing is wrong.": "Tout va bien.",
    "{path} is open to other users (mode {mode}).": (
        "{path} est ouvert à d'autres utilisateurs (mode {mode})."
    ),
    "The files of {path} cannot be looked at: {why}": (
        "Les fichiers de {path} ne peuvent pas être examinés : {why}"
    ),
    "{path} is secret, and open to other users (mode {mode}); close it, and think of who may have read "
    "it.": (
        "{path} est secret, et ouvert à d'autres utilisateurs (mode {mode}) ; fermez-le, et pensez à qui "
        "a pu le lire."
    ),
    "{path} is {other}'s, in a directory of {owner}'s, whose program can then not use it.": (
        "{path} appartient à {other}, dans un répertoire de {owner}, dont le programme ne peut alors pas "
        "s'en servir."
    ),
    "The disk of {path} has {free_mb} MB left; without room, nothing more is kept.": (
        "Il reste {free_mb} Mo sur le disque de {path} ; sans place, plus rien n'est gardé."
    ),
    "Memory may be written to {disks}, and with it keys and readings, since this program may not lock its "
    "own.": (
        "La mémoire peut être écrite sur {disks}, et avec elle des clés et des relevés, car ce programme "
        "ne peut pas verrouiller la sienne."
    ),
    "Nothing keeps this machine's clock right.": "Rien ne tient l'horloge de cette machine à l'heure.",
    "{unit} is installed, and does not start with the machine.": (
        "{unit} est installé, et ne démarre pas avec la machine."
    ),
    "{unit} does not run; its journal says why.": (
        "{unit} ne fonctionne pas ; son journal dit pourquoi."
    ),
    "{unit} has changed on the disk, and systemd goes by what it was before.": (
        "{unit} a changé sur le disque, et systemd s'en tient à ce qu'il était avant."
    ),
    "The chip's settings cannot be used: {why}": (
        "Les réglages du boîtier sont inutilisables : {why}"
    ),
    "The panel does not work: {why}": "Le panneau ne fonctionne pas : {why}",
    "The smart home is told nothing: {why}": "La maison connectée n'apprend rien : {why}",
    "What the household chose cannot be read, so it does not count: {why}": (
        "Ce que le foyer a choisi ne peut pas être lu, et ne compte donc pas : {why}"
    ),
    "The import of a household was interrupted; run it again.": (
        "L'import d'un foyer a été interrompu ; relancez-le."
    ),
    "The chip's keys cannot be used: {why}": "Les clés du boîtier sont inutilisables : {why}",
    "The chip has not asked to be enrolled, so nothing is metered.": (
        "Le boîtier n'a pas demandé son inscription, et rien n'est mesuré."
    ),
    "The collectivity's answer to this chip's request is not installed, so nothing is metered.": (
        "La réponse de la collectivité à la demande de ce boîtier n'est pas installée, et rien n'est "
        "mesuré."
    ),
    "What the collectivity gave this chip cannot be used: {why}": (
        "Ce que la collectivité a donné à ce boîtier est inutilisable : {why}"
    ),
    "The household's contract cannot be used: {why}": (
        "Le contrat du foyer est inutilisable : {why}"
    ),
    "The chip's certificate has ended on {end}; a connected chip that runs asks for the next one.": (
        "Le certificat du boîtier a expiré le {end} ; un boîtier connecté qui fonctionne demande le "
        "suivant."
    ),
    "The chip's certificate ends on {end}, and a connected chip that runs would have renewed it.": (
        "Le certificat du boîtier expire le {end}, et un boîtier connecté qui fonctionne l'aurait "
        "renouvelé."
    ),
    "The meter's line, {source}, is not there: plug the adapter in, or name another line.": (
        "La ligne du compteur, {source}, n'est pas là : branchez l'adaptateur, ou nommez une autre ligne."
    ),
    "The meter's line, {source}, may not be read by {user}, who is not of the group {group}; log in again "
    "afterwards.": (
        "La ligne du compteur, {source}, ne peut pas être lue par {user}, qui n'est pas du groupe "
        "{group} ; reconnectez-vous ensuite."
    ),
    "{source} is no serial line, so no meter is read there.": (
        "{source} n'est pas une ligne série, aucun compteur n'y est donc lu."
    ),
    "{file} keeps this board from reading the meter's line; it takes the change at its next start.": (
        "{file} empêche cette carte de lire la ligne du compteur ; elle prend le changement à son prochain "
        "démarrage."
    ),
    "A real meter is on the line, and edge.toml calls it simulated, so that days close by whatever a "
    "clock shows.": (
        "Un vrai compteur est sur la ligne, et edge.toml le dit simulé, si bien que les jours se closent "
        "quoi que montre une horloge."
    ),
    "What the meter sends is not readable in the mode that edge.toml names, {mode}; without it, the chip "
    "finds the mode by itself.": (
        "Ce que le compteur envoie est illisible dans le mode que nomme edge.toml, {mode} ; sans lui, le "
        "boîtier trouve le mode lui-même."
    ),
    "The chip's database cannot be used: {why}": (
        "La base de données du boîtier est inutilisable : {why}"
    ),
    "Another program than the chip that last reported holds {path}, so the chip cannot start.": (
        "Un autre programme que le boîtier qui s'est signalé en dernier tient {path}, et le boîtier ne peut "
        "pas démarrer."
    ),
}
