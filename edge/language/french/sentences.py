"""French errors and answers of `volet edge`, by their English.

A name in braces is a placeholder for part of the English text. That part is looked up in turn, so
that a sentence may contain another.
"""

from edge.language.french.board import BOARD
from edge.language.french.curves import CURVES
from edge.language.french.doctor import DOCTOR
from edge.language.french.documents import DOCUMENTS
from edge.language.french.home import HOME
from edge.language.french.keys import KEYS
from edge.language.french.meter import METER
from edge.language.french.repeater import REPEATER
from edge.language.french.setting_up import SETTING_UP
from edge.language.french.signed import SIGNED

SENTENCES = {
    **SIGNED,
    **BOARD,
    **HOME,
    **DOCUMENTS,
    **DOCTOR,
    **CURVES,
    **METER,
    **REPEATER,
    **KEYS,
    **SETTING_UP,
    # The page.
    "Type this code on the page before {at}.": "Tapez ce code sur la page avant le {at}.",
    "The page is at {places}.": "La page est à {places}.",
    "The page has no certificate yet, since nobody has opened it: open it in a browser at {places}, then "
    "type this again.": (
        "La page n'a pas encore de certificat, puisque personne ne l'a ouverte : ouvrez-la dans un "
        "navigateur à {places}, puis tapez ceci de nouveau."
    ),
    "The page has no certificate yet, since it never ran: start it with `volet edge page --dir {path}`, "
    "then type this again.": (
        "La page n'a pas encore de certificat, puisqu'elle n'a jamais fonctionné : démarrez-la avec "
        "`volet edge page --dir {path}`, puis tapez ceci de nouveau."
    ),
    "The chip does not answer, and nobody is let in until it does. If you have not started it: "
    "`{command}`.": (
        "Le boîtier ne répond pas, et personne n'entre d'ici là. Si vous ne l'avez pas démarré : "
        "`{command}`."
    ),
    "The chip does not run, and would let nobody in by a code: start the chip with `{command}`; then ask "
    "for a code again.": (
        "Le boîtier ne fonctionne pas, et ne laisserait entrer personne par un code : démarrez le boîtier "
        "avec `{command}` ; puis demandez de nouveau un code."
    ),
    "{path} is {name}'s, and what root writes there its chip could not read; type this as {user}, "
    "without `sudo`.": (
        "{path} appartient à {name}, et son boîtier ne pourrait pas lire ce que root y écrit ; tapez "
        "cette commande en tant que {user}, sans `sudo`."
    ),
    "pair again.": "appairez de nouveau.",
    "delete it.": "supprimez-le.",
    "Give one of --pair and --show.": "Donnez soit --pair, soit --show.",
    "--viewer goes with --pair.": "--viewer va avec --pair.",
    "{directory}: {next_step}": "{directory} : {next_step}",
    "No visitor is let in now; hold the button of the panel for ten seconds first.": (
        "Personne n'est laissé entrer pour l'instant ; tenez d'abord le bouton du boîtier dix "
        "secondes."
    ),
    "Another visitor waits for the button now; if it is nobody of yours, press nothing, and try "
    "again in a minute.": (
        "Un autre visiteur attend le bouton en ce moment ; si ce n'est aucun des vôtres, n'appuyez "
        "pas, et réessayez dans une minute."
    ),
    "Nobody pressed the button for you in time; try again.": (
        "Personne n'a tenu le bouton pour vous à temps ; réessayez."
    ),
    "No visitor is let in now; type `volet edge page --pair` at the chip first.": (
        "Personne n'est admis en ce moment ; tapez d'abord `volet edge page --pair` sur le boîtier."
    ),
    "No visitor is let in now, since five wrong codes came; if they were not yours, somebody else in "
    "your network tried. Type `volet edge page --pair` at the chip again.": (
        "Personne n'est admis en ce moment, car cinq codes faux sont arrivés ; s'ils n'étaient pas de "
        "vous, quelqu'un d'autre sur votre réseau a essayé. Tapez de nouveau `volet edge page --pair` "
        "sur le boîtier."
    ),
    "That is not the code on the chip's console; read it once more.": (
        "Ce n'est pas le code affiché par le boîtier ; relisez-le."
    ),
    "There is nothing of {day}; the chip keeps {first} to {last}.": (
        "Il n'y a rien du {day} ; le boîtier garde du {first} au {last}."
    ),
    "The chip could not answer; see its log.": "Le boîtier n'a pas su répondre ; voyez son journal.",
    "The chip does not answer ({why}); see whether it runs.": (
        "Le boîtier ne répond pas ({why}) ; voyez s'il fonctionne."
    ),
    "{place} cannot be opened: {why}; name another.": (
        "{place} ne peut pas être ouvert : {why} ; indiquez-en un autre."
    ),
    "{path} cannot be read: {why}; start the page once more.": (
        "{path} ne peut pas être lu : {why} ; redémarrez la page."
    ),
    "{path} is damaged; delete it, and start the page once more.": (
        "{path} est abîmé ; supprimez-le, et redémarrez la page."
    ),
    "{path} is no key of the page; delete it, and start the page once more.": (
        "{path} n'est pas une clé de la page ; supprimez-le, et redémarrez la page."
    ),
    "systemd has opened no socket for the page; start it by its socket, with {command}.": (
        "systemd n'a ouvert aucune socket pour la page ; lancez-la par sa socket, avec {command}."
    ),
    "The page's certificate could not be made; start the page once more.": (
        "Le certificat de la page n'a pas pu être créé ; redémarrez la page."
    ),
    # Files.
    "{path} is missing; {next_step}": "{path} n'existe pas ; {next_step}",
    "{path} is not there yet; {next_step}": "{path} n'existe pas encore ; {next_step}",
    "From now on this home takes part in the figures of its area; `volet edge area off` ends it.": (
        "Dès maintenant, ce logement participe aux chiffres de son quartier ; `volet edge area off` y met "
        "fin."
    ),
    "start the chip with `{command}`.": "démarrez le boîtier avec `{command}`.",
    "enrol this chip first: {page}": "inscrivez d'abord ce boîtier : {page}",
    "start it and its page with `{command}`, then type `volet edge page --pair`; the page leads through "
    "the rest.": (
        "démarrez-le, et sa page, avec `{command}`, puis tapez `volet edge page --pair` ; la page mène "
        "à la suite."
    ),
    "hand {request} to the collectivity, then install its answer with `{command}`.": (
        "remettez {request} à la collectivité, puis installez sa réponse avec `{command}`."
    ),
    "{path} cannot be read: {why}.": "{path} ne peut pas être lu : {why}.",
    "{path} is held by another program; try again.": (
        "{path} est tenu par un autre programme ; réessayez."
    ),
    "{path} cannot be written: {why}.": "{path} ne peut pas être écrit : {why}.",
    "{path} cannot be made, since {parent} is another user's; run this as that user, or make it "
    "yours first: `{command}`.": (
        "{path} ne peut pas être créé, car {parent} est à un autre utilisateur ; lancez la commande "
        "sous son nom, ou prenez d'abord le répertoire : `{command}`."
    ),
    "{path}: {why}.": "{path} : {why}.",
    "{path} is damaged: {why}; {next_step}": "{path} est endommagé : {why} ; {next_step}",
    "{path} is open to other users (mode {mode}); close it with `{command}` and think of who may "
    "have read it.": (
        "{path} est ouvert à d'autres utilisateurs (mode {mode}) ; fermez-le avec `{command}` et "
        "demandez-vous qui a pu le lire."
    ),
    "Permission denied": "permission refusée",
    "Permission denied; it is {owner}'s: type this as {name}": (
        "permission refusée ; c'est à {owner} : tapez ceci sous le nom de {name}"
    ),
    "No such file or directory": "fichier ou répertoire absent",
    "Is a directory": "c'est un répertoire",
    "Not a directory": "ce n'est pas un répertoire",
    "No space left on device": "il n'y a plus de place",
    "draw the chip's keys with `volet edge init --dir {path}`.": (
        "créez les clés du boîtier avec `volet edge init --dir {path}`."
    ),
    "there is no chip in this directory: is it the right one (`--dir`)? For a new chip, draw its "
    "keys with `volet edge init --dir {path}`.": (
        "il n'y a pas de boîtier dans ce répertoire : est-ce le bon (`--dir`) ? Pour un nouveau "
        "boîtier, créez-en les clés avec `volet edge init --dir {path}`."
    ),
    "{directory}: there is no chip in this directory: is it the right one (`--dir`)? For a new chip, "
    "draw its keys with `volet edge init --dir {path}`.": (
        "{directory} : il n'y a pas de boîtier dans ce répertoire : est-ce le bon (`--dir`) ? Pour un "
        "nouveau boîtier, créez-en les clés avec `volet edge init --dir {path}`."
    ),
    "enrol this chip first, on its page while its program runs, or with `volet edge request --dir "
    "{path}`.": (
        "inscrivez d'abord ce boîtier, sur sa page pendant que son programme tourne, ou avec `volet "
        "edge request --dir {path}`."
    ),
    "install the collectivity's answer again.": "réinstallez la réponse de la collectivité.",
    "ask the collectivity for its answer to request.json.": (
        "demandez à la collectivité sa réponse à request.json."
    ),
    "ask the provider for its signed offer, which a tariff alone is not.": (
        "demandez au fournisseur son offre signée ; un tarif seul n'en est pas une."
    ),
    "{path} is not a signed document ({why}); {next_step}": (
        "{path} n'est pas un document signé ({why}) ; {next_step}"
    ),
    "{value} is no day; write it as year-month-day, such as 2026-03-01.": (
        "{value} n'est pas un jour ; écrivez-le année-mois-jour, tel 2026-03-01."
    ),
    "name the file that `volet edge export` wrote.": (
        "nommez le fichier qu'a écrit `volet edge export`."
    ),
    "make a new request.": "faites une nouvelle demande.",
    "delete it and make a new request.": "supprimez-le et faites une nouvelle demande.",
    "`volet edge move-out --cancel` removes it.": "`volet edge move-out --cancel` le supprime.",
    "choose again.": "choisissez à nouveau.",
    "delete it and choose again.": "supprimez-le et choisissez à nouveau.",
    "see docs/reference/configuration.md.": "voyez docs/reference/configuration.md.",
    # Keys and enrolment.
    "{path} is gone although this chip is enrolled; put it back from a copy, or begin with a new "
    "directory.": (
        "{path} a disparu alors que ce boîtier est inscrit ; remettez-le depuis une copie, ou "
        "commencez avec un nouveau répertoire."
    ),
    "This offer has no tariff on {day}; name another first day.": (
        "Cette offre n'a pas de tarif au {day} ; nommez un autre premier jour."
    ),
    "This contract from {day} on has ended and is not taken again as it was; name a later first "
    "day.": (
        "Ce contrat à partir du {day} a pris fin et ne se reprend pas tel quel ; nommez un premier "
        "jour ultérieur."
    ),
    "Bills of contract {contract}… have billed the days up to {last}; begin the new contract on "
    "{day} or later.": (
        "Des factures du contrat {contract}… ont réglé les jours jusqu'au {last} ; commencez le "
        "nouveau contrat le {day} ou plus tard."
    ),
    "An import into this chip was interrupted; run `volet edge import` again first.": (
        "Un import dans ce boîtier a été interrompu ; relancez d'abord `volet edge import`."
    ),
    "This chip belongs to another authority; begin with a new directory to change it.": (
        "Ce boîtier appartient à une autre autorité ; prenez un nouveau répertoire pour en changer."
    ),
    "{path} is no enrolment: {why}.": "{path} n'est pas une inscription : {why}.",
    "Drew the keys in {path}; keep a copy where nobody else reads it.": (
        "Clés créées dans {path} ; gardez-en une copie là où personne d'autre ne peut la lire."
    ),
    "All keys are in {path} already; nothing was changed. To begin anew, name a new directory.": (
        "Toutes les clés sont déjà dans {path} ; rien n'a changé. Pour recommencer, nommez un "
        "nouveau répertoire."
    ),
    "To take an offer, make this request again: `volet edge request --offer OFFER.json --from DAY`.": (
        "Pour prendre une offre, refaites cette demande : `volet edge request --offer OFFER.json --from "
        "DAY`."
    ),
    "Wrote {path}; hand it to the collectivity, then install its answer with `{command}`.": (
        "{path} est écrit ; remettez-le à la collectivité, puis installez sa réponse avec "
        "`{command}`."
    ),
    "This chip is {device} of {collectivity}. Authority: {fingerprint} as openssl writes it: {openssl}": (
        "Ce boîtier est {device} de {collectivity}.\nAutorité : {fingerprint}\n"
        "comme openssl l'écrit : {openssl}"
    ),
    "Compare this with what the collectivity publishes before you rely on it.": (
        "Comparez ceci avec ce que publie la collectivité avant de vous y fier."
    ),
    "Next: {step}": "Ensuite : {step}",
    "The running chip still goes by what it was started with: end `volet edge run` and start it "
    "again, or `{command}`.": (
        "Le boîtier en marche suit encore ce avec quoi il a démarré : arrêtez `volet edge run` et "
        "relancez-le, ou `{command}`."
    ),
    "The collectivity holds contract {contract}… of this household from {day} on, of which this chip "
    "has no copy: it cannot check its bills. Put a newer backup back, or take an offer anew with "
    "`volet edge request`.": (
        "La collectivité tient pour votre foyer le contrat {contract}… à partir du {day}, dont ce "
        "boîtier n'a pas de copie : il ne peut pas vérifier ses factures. Remettez une sauvegarde "
        "plus récente, ou reprenez une offre avec `volet edge request`."
    ),
    "The collectivity does not hold this chip's contract any more: make its request again with "
    "`volet edge request --offer`, the same offer and first day as before.": (
        "La collectivité n'a plus le contrat de ce boîtier : refaites sa demande avec "
        "`volet edge request --offer`, la même offre et le même premier jour qu'avant."
    ),
    "This answer is older than the one that this chip has; install the latest one.": (
        "Cette réponse est plus ancienne que celle de ce boîtier ; installez la dernière."
    ),
    "This answer and the household's contracts disagree about the days of contract {contract}…; ask "
    "the collectivity to look into it.": (
        "Cette réponse et les contrats du foyer ne s'accordent pas sur les jours du contrat "
        "{contract}… ; demandez à la collectivité de regarder."
    ),
    "{path} does not hold the contract of this bill, which cannot be laid out; put the contract back "
    "from a copy.": (
        "{path} ne contient pas le contrat de cette facture, qui ne peut être mise en page ; remettez "
        "le contrat depuis une copie."
    ),
    "The answer names no contract; the one in request.json does not hold yet: hand it to the "
    "collectivity and install its answer.": (
        "La réponse ne nomme aucun contrat ; celui de request.json ne vaut pas encore : "
        "remettez-le à la collectivité et installez sa réponse."
    ),
    "This answer is to another request, with a contract that this chip has not; hand {path} to the "
    "collectivity and install its answer.": (
        "Cette réponse est pour une autre demande, avec un contrat que ce boîtier n'a pas ; "
        "remettez {path} à la collectivité et installez sa réponse."
    ),
    # Bills, receipts, area.
    "There is no such bill yet; `volet edge bills` shows those that have arrived.": (
        "Il n'y a pas encore de telle facture ; `volet edge bills` montre celles qui sont arrivées."
    ),
    "This bill could not be laid out as PDF here; type `volet edge bills --pdf FILE`.": (
        "Cette facture n'a pas pu être mise en page en PDF ici ; tapez `volet edge bills --pdf FILE`."
    ),
    "Receipts go again.": "Les reçus repartent.",
    "This household has moved out of here, and takes no offer for this meter any more.": (
        "Ce foyer a déménagé d'ici, et ne prend plus d'offre pour ce compteur."
    ),
    "A contract names its meter, and this chip has read none yet; see what is wrong with the line "
    "first.": (
        "Un contrat nomme son compteur, et ce boîtier n'en a encore lu aucun ; voyez d'abord ce qui ne "
        "va pas sur la ligne."
    ),
    "Nothing was changed.": "Rien n'a changé.",
    "Receipts tell your provider that a bill is correct, and its total. Let them go again, "
    "although bills did not agree or this chip lost its store?": (
        "Les reçus disent à votre fournisseur qu'une facture est juste, et son total. Les "
        "laisser repartir, bien que des factures n'aient pas concordé ou que ce boîtier ait perdu "
        "sa mémoire ?"
    ),
    "No set of trustees with this fingerprint has arrived; `volet edge trustees` shows those that "
    "have. Do not confirm what you cannot compare.": (
        "Aucun ensemble de garants avec cette empreinte n'est arrivé ; `volet edge trustees` "
        "montre ceux qui sont là. Ne confirmez pas ce que vous ne pouvez pas comparer."
    ),
    "No set of trustees has arrived yet; the chip asks for it when it is connected.": (
        "Aucun garant n'est encore arrivé ; le boîtier les demande quand il est connecté."
    ),
    "Fingerprint {fingerprint} ({state})": "Empreinte     {fingerprint}   ({state})",
    "confirmed": "confirmés",
    "not confirmed": "non confirmés",
    "To open {shape}, from {day}": "Pour ouvrir   {shape}, depuis le {day}",
    "{count} of {all}": "{count} sur {all}",
    "Trustees {state}": "Garants           {state}",
    "Seeds {state}": "Graines           {state}",
    "drawn": "créées",
    "not drawn yet": "pas encore créées",
    "To send {count}": "À envoyer         {count}",
    # Moving.
    "Wrote {path}.": "{path} est écrit.",
    "Wrote {path}. Fingerprint: {fingerprint}": "{path} est écrit. Empreinte : {fingerprint}",
    "Passphrase: {passphrase}": "Phrase secrète : {passphrase}",
    "Wrote {path}; print it, keep it away from the bundle, delete the file.": (
        "{path} est écrit ; imprimez-le, gardez-le loin du paquet, supprimez le fichier."
    ),
    "This chip has the household {household} now.": "Ce boîtier est maintenant celui du foyer {household}.",
    "The bundle had no ledger: this year's privacy budget counts as spent; readings are fetched "
    "back from the cloud.": (
        "Le paquet n'avait pas de registre : le budget de vie privée de l'année compte comme dépensé ; les "
        "relevés sont récupérés auprès de la collectivité."
    ),
    "Wrote {path}; hand it to the collectivity, then `{command}`. With a contract for the new "
    "meter, make it anew with `volet edge request --offer`.": (
        "{path} est écrit ; remettez-le à la collectivité, puis `{command}`. Si vous avez un "
        "contrat pour le nouveau compteur, refaites la demande avec `volet edge request --offer`."
    ),
    # Usage, by click and by commands.
    "No such command {name}.": "Il n'y a pas de commande {name}.",
    "No such option: {name}": "Il n'y a pas d'option {name}",
    "No such option {name}.": "Il n'y a pas d'option {name}.",
    "No such option {name}. Did you mean {other}?": (
        "Il n'y a pas d'option {name}. Vouliez-vous dire {other} ?"
    ),
    "No such option {name}. (Did you mean one of: {names}?)": (
        "Il n'y a pas d'option {name}. (Vouliez-vous dire l'un de : {names} ?)"
    ),
    "No such command {name}. Did you mean {other}?": (
        "Il n'y a pas de commande {name}. Vouliez-vous dire {other} ?"
    ),
    "No such command {name}. (Did you mean one of: {names}?)": (
        "Il n'y a pas de commande {name}. (Vouliez-vous dire l'un de : {names} ?)"
    ),
    "integer": "nombre entier",
    "integer range": "nombre entier",
    "float": "nombre",
    "float range": "nombre",
    "Missing option {name}.": "Il manque l'option {name}.",
    "Missing argument {name}.": "Il manque l'argument {name}.",
    "Invalid value: {why}": "Valeur incorrecte : {why}",
    "Missing parameter: {name}": "Il manque le paramètre : {name}",
    "Missing {kind}": "Il manque {kind}",
    "Did you mean {name}?": "Vouliez-vous dire {name} ?",
    "(Did you mean one of: {names}?)": "(Vouliez-vous dire l'un de : {names} ?)",
    "Option {name} does not take a value.": "L'option {name} ne prend pas de valeur.",
    "Option {name} requires {count} arguments.": "L'option {name} demande {count} valeurs.",
    "Argument {name} takes {count} values.": "L'argument {name} prend {count} valeurs.",
    "Takes {count} values but 1 was given.": "Il faut {count} valeurs, une seule est donnée.",
    "Takes {count} values but {given} were given.": "Il faut {count} valeurs, {given} sont données.",
    "{count} values are required, but {given} was given.": (
        "Il faut {count} valeurs, {given} est donnée."
    ),
    "{count} values are required, but {given} were given.": (
        "Il faut {count} valeurs, {given} sont données."
    ),
    "{value} is not in the range {range}.": "{value} n'est pas dans l'intervalle {range}.",
    "{value} is not a valid boolean. Recognized values: {values}": (
        "{value} n'est pas un booléen. Valeurs connues : {values}"
    ),
    "{value} is not {choices}.": "{value} n'est pas {choices}.",
    "{value} does not match the format {format}.": "{value} ne suit pas la forme {format}.",
    "{value} does not match the formats {formats}.": "{value} ne suit aucune des formes {formats}.",
    "{kind} {path} does not exist.": "{kind} {path} n'existe pas.",
    "{kind} {path} is a file.": "{kind} {path} est un fichier.",
    "{kind} {path} is a directory.": "{kind} {path} est un répertoire.",
    "{kind} {path} is not readable.": "{kind} {path} ne peut pas être lu.",
    "{kind} {path} is not writable.": "{kind} {path} ne peut pas être écrit.",
    "{kind} {path} is not executable.": "{kind} {path} ne peut pas être exécuté.",
    "File": "Fichier",
    "Directory": "Répertoire",
    "Path": "Chemin",
    "Missing command.": "Il manque une commande.",
    "Invalid value for {name}: {why}": "Valeur incorrecte pour {name} : {why}",
    "{value} is not one of {choices}.": "{value} ne fait pas partie de {choices}.",
    "{value} is not a valid {kind}.": "{value} n'est pas du type {kind}.",
    "Got unexpected extra argument ({value})": "Argument en trop ({value})",
    "Got unexpected extra arguments ({value})": "Arguments en trop ({value})",
    "Option {name} requires an argument.": "L'option {name} demande une valeur.",
    "Give both, --ages and --employed.": "Donnez les deux, --ages et --employed.",
    "--meter, --from, --consent and --follow/--fixed go with --offer.": (
        "--meter, --from, --consent et --follow/--fixed ne servent qu'avec --offer."
    ),
    "--now goes with --ask.": "--now ne sert qu'avec --ask.",
    # The own load curve.
    "--from and --to go with --out.": "--from et --to ne servent qu'avec --out.",
    "Give either --out or --json, not both.": "Donnez --out ou --json, pas les deux à la fois.",
    "--out names a file that ends in .csv or .json.": (
        "--out nomme un fichier qui finit par .csv ou .json."
    ),
    "Months that stay: {months}, and a week. Older quarter-hours are deleted from this chip at the "
    "end of the day, for good. Keep fewer?": (
        "Mois qui restent : {months}, et une semaine. Les quarts d'heure plus anciens sont supprimés de "
        "ce boîtier à la fin de la journée, définitivement. En garder moins ?"
    ),
    "Wrote {start} to {end} to {path}, as Enedis lays out a load curve.": (
        "Du {start} au {end}, écrit dans {path} comme Enedis présente une courbe de charge."
    ),
    "The chip has no quarter-hour yet; let it read the meter first.": (
        "Le boîtier n'a encore aucun quart d'heure ; laissez-le d'abord lire le compteur."
    ),
    "The chip keeps none of these days; it keeps {first} to {last}.": (
        "Le boîtier ne garde aucun de ces jours ; il garde du {first} au {last}."
    ),
    "The chip does not keep all days from {first} to {last}.": (
        "Le boîtier ne garde pas tous les jours du {first} au {last}."
    ),
    "Ask for 1 to {most} days at a time.": "Demandez de 1 à {most} jours à la fois.",
    "The chip cannot keep {months} months; choose 1 to 12.": (
        "Le boîtier ne peut pas garder {months} mois ; choisissez de 1 à 12."
    ),
    "--replay plays a record, and --device listens; give one of them.": (
        "--replay rejoue un enregistrement, et --device écoute ; donnez l'un des deux."
    ),
    "Give either FILE or --device, not both.": "Donnez FICHIER ou --device, pas les deux à la fois.",
    "This is for visitors who may see everything.": (
        "Ceci n'est que pour les visiteurs qui entrent avec tous les droits."
    ),
    "A cap can be lowered only; at most {cap} is configured.": (
        "Un plafond ne peut que baisser ; {cap} au plus est configuré."
    ),
}
