"""French errors of `protocol`, which every party shares: tariffs, offers, signed documents.

See `sentences`.
"""

SIGNED = {
    # Signed documents.
    "This is no signed document.": "Ceci n'est pas un document signé.",
    "{name}: this is no signed document ({why}).": (
        "{name} : ceci n'est pas un document signé ({why})."
    ),
    "Body and signature are base64; this is not.": (
        "Le corps et la signature sont en base64 ; ceci ne l'est pas."
    ),
    "{name} holds from {since} on; ask for days within it.": (
        "{name} vaut à partir du {since} ; demandez des jours qui en font partie."
    ),
    "{name} holds from {since} to {last}; ask for days within it.": (
        "{name} vaut du {since} au {last} ; demandez des jours qui en font partie."
    ),
    "{name} holds on no day: the household moved out, or took a later one, before it.": (
        "{name} ne vaut aucun jour : le foyer a déménagé, ou en a pris un plus récent, avant lui."
    ),
    "This document cannot be read: {why}.": "Ce document est illisible : {why}.",
    "This {kind} cannot be read: {why}.": "Ce document ({kind}) est illisible : {why}.",
    "This is another document, no {kind}.": "C'est un autre document, et non le bon ({kind}).",
    "The signature of this {kind} does not fit.": (
        "La signature de ce document ({kind}) n'est pas valable."
    ),
    "TrusteeSet": "garants",
    "Measures": "mesures",
    "offer": "offre",
    "contract": "contrat",
    "request": "demande",
    "enrolment": "inscription",
    "calendar": "calendrier",
    "priceseries": "prix de marché",
    "This document has more than {size} KiB, which no message carries; split it into shorter "
    "periods, one document each.": (
        "Ce document dépasse {size} Kio, plus qu'un message n'en porte ; découpez-le en périodes "
        "plus courtes, une par document."
    ),
    # Offers and contracts.
    "This offer cannot be read: {why}.": "Cette offre est illisible : {why}.",
    "This offer has more than {count} tariffs, or a name that cannot be printed.": (
        "Cette offre a plus de {count} tarifs, ou un nom qui ne s'imprime pas."
    ),
    "tariff {number} is another provider's.": "le tarif {number} est d'un autre fournisseur.",
    "A tariff holds for {days} days at least before the next one begins.": (
        "Un tarif vaut au moins {days} jours avant que le suivant ne commence."
    ),
    "An offer extends one of the same provider, key and product.": (
        "Une offre en prolonge une du même fournisseur, de la même clé et du même nom."
    ),
    "An offer that extends another repeats its tariffs unchanged.": (
        "Une offre qui en prolonge une autre reprend ses tarifs sans les changer."
    ),
    "An offer that extends another adds later tariffs only.": (
        "Une offre qui en prolonge une autre n'ajoute que des tarifs ultérieurs."
    ),
    "The period {start} to {end} holds no day.": (
        "La période du {start} au {end} ne contient aucun jour."
    ),
    "A statement covers at most {days} days.": "Un relevé couvre {days} jours au plus.",
    "Days left out lie within the period, late ones before it, each once, in order.": (
        "Les jours omis sont dans la période, les jours reportés avant elle, chacun une fois et "
        "dans l'ordre."
    ),
    "A statement bills at most {days} late days.": (
        "Un relevé facture au plus {days} jours reportés."
    ),
    "A statement needs a day whose energy it bills.": (
        "Un relevé doit contenir un jour dont il facture l'énergie."
    ),
    # Tariffs; the tariff's line precedes the message.
    "{origin}: line {number} ({name})": "{origin} : ligne {number} ({name})",
    "{origin}: valid_to must lie after valid_from.": (
        "{origin} : valid_to doit venir après valid_from."
    ),
    "{origin}: a tariff needs at least one line.": (
        "{origin} : un tarif doit avoir au moins une ligne."
    ),
    "{origin}: a tariff has at most {count} lines.": "{origin} : un tarif a {count} lignes au plus.",
    "{origin}: the name stands twice.": "{origin} : ce nom figure deux fois.",
    "{origin}: vat is a rate from 0 up to 1, such as 0.20.": (
        "{origin} : vat est un taux de 0 à 1, par exemple 0.20."
    ),
    "{origin}: eur must be a number below {limit}, with at most {count} decimals.": (
        "{origin} : eur doit être un nombre inférieur à {limit}, avec {count} décimales au plus."
    ),
    "{origin}: {text} holds characters that cannot be printed.": (
        "{origin} : {text} contient des caractères qui ne s'impriment pas."
    ),
    "{origin}: register {register} is unknown; a meter has 1 to {count}.": (
        "{origin} : l'index {register} n'existe pas ; un compteur a les index 1 à {count}."
    ),
    "{origin}: name each register of the line once.": (
        "{origin} : nommez chaque index de la ligne une seule fois."
    ),
    "{origin}: name each class of the line once.": (
        "{origin} : nommez chaque classe de la ligne une seule fois."
    ),
    "{origin}: factor must be a number below {limit} with at most 6 decimals.": (
        "{origin} : factor doit être un nombre inférieur à {limit}, avec 6 décimales au plus."
    ),
    "{origin}: a price stays below {limit} €/kWh.": (
        "{origin} : un prix reste inférieur à {limit} €/kWh."
    ),
    "{origin}: a price has at most 5 decimals of €/kWh.": (
        "{origin} : un prix en €/kWh a 5 décimales au plus."
    ),
    # Calendars and market prices.
    "{origin}: a name holds characters that cannot be printed.": (
        "{origin} : un nom contient des caractères qui ne s'impriment pas."
    ),
    "{origin}: a series needs at least one price.": (
        "{origin} : une série doit contenir au moins un prix."
    ),
    "{origin}: a document covers at least a quarter-hour and at most {years} years.": (
        "{origin} : un document couvre un quart d'heure au moins et {years} ans au plus."
    ),
    "{origin}: this lies too far in the future.": "{origin} : c'est trop loin dans l'avenir.",
    "{origin}: name 1 to {count} classes, each once.": (
        "{origin} : nommez 1 à {count} classes, chacune une fois."
    ),
    "{origin}: a calendar needs at least one run.": (
        "{origin} : un calendrier doit contenir au moins une plage."
    ),
    "{origin}: the runs must stand in order, each instant once.": (
        "{origin} : les plages doivent être dans l'ordre, chaque instant une seule fois."
    ),
    "{origin}: a run names a class that is not there.": (
        "{origin} : une plage nomme une classe qui n'existe pas."
    ),
    "A market price reaches {limit} €/kWh; it cannot be billed.": (
        "Un prix de marché atteint {limit} €/kWh ; il ne peut pas être facturé."
    ),
    "{name} is both a calendar and a series.": "{name} est à la fois un calendrier et une série.",
    "Two documents of {name} overlap.": "Deux documents de {name} se chevauchent.",
    "No document of {name} covers {day} yet.": (
        "Aucun document de {name} ne couvre encore le {day}."
    ),
    # The transparency log.
    "Entry {number} of the list is missing.": "L'entrée {number} de la liste manque.",
    "Entry {number} of the list is dated before the one above it.": (
        "L'entrée {number} de la liste est datée d'avant la précédente."
    ),
    "The head of entry {number} does not follow from the list.": (
        "La tête de l'entrée {number} ne découle pas de la liste."
    ),
    "Only offers, calendars and market series are listed.": (
        "La liste ne contient que des offres, des calendriers et des prix de marché."
    ),
    "This offer extends one that is withdrawn; list a new one.": (
        "Cette offre en prolonge une qui est retirée ; publiez-en une nouvelle."
    ),
    "{hash} is not listed as an offer of this provider; a withdrawal names own offers.": (
        "{hash} n'est pas publiée comme offre de ce fournisseur ; un retrait nomme ses propres "
        "offres."
    ),
    "The listed document {hash} is not kept.": "Le document publié {hash} n'est pas conservé.",
    "This key has listed {count} documents of {size} bytes within a year; it may list {most} of "
    "{bytes} bytes.": (
        "Cette clé a publié {count} documents de {size} octets en un an ; elle peut en publier "
        "{most} de {bytes} octets."
    ),
    "This offer extends one that is not listed; list that one first.": (
        "Cette offre en prolonge une qui n'est pas publiée ; publiez d'abord celle-là."
    ),
    "The offer that this one extends has been extended already; extend the latest.": (
        "L'offre que celle-ci prolonge l'a déjà été ; prolongez la plus récente."
    ),
    "A tariff that an offer adds begins on {day}, the day it is listed, at the earliest.": (
        "Un tarif ajouté par une offre commence au plus tôt le {day}, jour de sa publication."
    ),
    "{name} is listed as a document of another kind.": (
        "{name} est publié comme un document d'une autre sorte."
    ),
    "{name}: a listed document covers some of these quarter-hours; documents of one name follow "
    "each other without overlap.": (
        "{name} : un document publié couvre déjà une partie de ces quarts d'heure ; les documents "
        "d'un même nom se suivent sans se chevaucher."
    ),
    # Trustees, measures, transforms.
    "{name} is not in this set of trustees.": "{name} n'est pas parmi ces garants.",
    "This document is a {found}, no {wanted}.": "Ce document est du type {found}, et non {wanted}.",
    "This {kind} is not signed by the collectivity.": (
        "Ce document ({kind}) n'est pas signé par la collectivité."
    ),
    "This {kind} is signed by {count} trustees{names}; {threshold} of {all} must sign it.": (
        "Ce document ({kind}) est signé par {count} garants{names} ; {threshold} sur {all} doivent "
        "le signer."
    ),
    "This set of trustees follows another one, which must come first.": (
        "Ces garants en suivent d'autres, qui doivent venir d'abord."
    ),
    "{name} has not signed the set that names it.": (
        "{name} n'a pas signé l'ensemble de garants qui le nomme."
    ),
    "This set of trustees does not follow the one that is known.": (
        "Ces garants ne suivent pas ceux qui sont connus."
    ),
    "This set of trustees is another collectivity's.": (
        "Ces garants sont ceux d'une autre collectivité."
    ),
    "This set of trustees would take effect before the one it follows.": (
        "Ces garants prendraient effet avant ceux qu'ils suivent."
    ),
    "This set of trustees cannot work: {why}.": "Ces garants ne peuvent pas opérer : {why}.",
    "This set of trustees must name {count} different trustees with keys of their own.": (
        "Il faut ici {count} garants différents, chacun avec ses propres clés."
    ),
    "{name} has no group {code}.": "{name} n'a pas de groupe {code}.",
    "There is no measure {name}.": "Il n'y a pas de mesure {name}.",
    "The measures' shares add up to {total}; at most 1 is allowed.": (
        "La somme des parts des mesures est {total} ; elle ne peut dépasser 1."
    ),
    "These measures measure nothing.": "Ces mesures ne mesurent rien.",
    "{name} has no share on any day.": "{name} n'a de part aucun jour.",
    "{name} has a share on days that count no profile.": (
        "{name} a une part des jours où aucun profil ne compte."
    ),
    "Two measures have the same name.": "Deux mesures ont le même nom.",
    "{place}: two groups have the same code.": "{place} : deux groupes ont le même code.",
    "{code} of {measure} must name each child once.": (
        "{code} de {measure} doit nommer chacune de ses parties une seule fois."
    ),
    "{measure}: {code} is a parent and another figure of the same code; give the parent a code of "
    "its own.": (
        "{measure} : {code} désigne à la fois une somme et un autre chiffre ; donnez à la somme un "
        "code à elle."
    ),
    "{place}: {count} households; there must be {least}.": (
        "{place} : {count} foyers ; il en faut {least}."
    ),
    "{place}: the crowd exceeds the opening threshold.": (
        "{place} : le bruit est partagé entre plus de foyers que le seuil d'ouverture."
    ),
    "{place}: the opening threshold exceeds the roster.": (
        "{place} : le seuil d'ouverture dépasse le nombre de foyers inscrits."
    ),
    "{place}: no areas.": "{place} : aucun secteur.",
    "{place}: a curve has a transform, and nothing else has.": (
        "{place} : une courbe a une transformée, et elle seule."
    ),
    "{place}: a slot for each weight.": "{place} : il faut une case par poids.",
    "{place}: {count} positive weights.": "{place} : il faut {count} poids positifs.",
    "{place}: {one} and {other} both count {area}.": (
        "{place} : {one} et {other} comptent tous deux {area}."
    ),
    "epsilon must be positive and delta between 0 and 1": (
        "epsilon doit être positif, et delta entre 0 et 1"
    ),
    "{count} of {all} is not offered: {why}": "{count} sur {all} n'est pas proposé : {why}",
    "these bytes are no words of 8 bytes": "ces octets ne sont pas des mots de 8 octets",
    "This transform's arrays do not have the sizes that it says.": (
        "Les tableaux de cette transformée n'ont pas les tailles annoncées."
    ),
    "This transform holds what is no number.": (
        "Cette transformée contient autre chose que des nombres."
    ),
    "These bytes are no transform.": "Ces octets ne sont pas une transformée.",
    "{day} has {found} quarter-hours, not {count}": (
        "le {day} a {found} quarts d'heure, et non {count}"
    ),
    "A household has 1 to {most} persons, not {count}.": (
        "Un foyer compte de 1 à {most} personnes, et non {count}."
    ),
    "A number of persons is 0 or more.": "Un nombre de personnes est 0 ou plus.",
    "More people are employed than live here.": (
        "Il y aurait plus d'actifs occupés que d'habitants."
    ),
    # Keys, passphrases, backups, moves.
    "this household secret is of format {found}, this Volet reads {known}; install the Volet that "
    "wrote it": (
        "ce secret du foyer est au format {found}, ce Volet lit le format {known} ; installez le "
        "Volet qui l'a écrit"
    ),
    "these keys of a year are of format {found}, this Volet reads {known}; install the Volet that "
    "wrote it": (
        "ces clés d'une année sont au format {found}, ce Volet lit le format {known} ; installez "
        "le Volet qui les a écrites"
    ),
    "these keys of a year are damaged or another household's": (
        "ces clés d'une année sont endommagées, ou celles d'un autre foyer"
    ),
    "the keys of a day are gone": "les clés d'un jour ont disparu",
    "this household secret is damaged; put it back from a copy": (
        "ce secret du foyer est endommagé ; remettez-le depuis une copie"
    ),
    "a sealing key has {size} bytes, not {found}": (
        "une clé de scellement fait {size} octets, et non {found}"
    ),
    "a public sealing key has {size} bytes": ("une clé publique de scellement fait {size} octets"),
    "these bytes are no public sealing key": (
        "ces octets ne sont pas une clé publique de scellement"
    ),
    "what was sealed does not open under this key": (
        "ce qui a été scellé ne s'ouvre pas avec cette clé"
    ),
    "what was sealed is no text": "ce qui a été scellé n'est pas un texte",
    "A letter needs a text.": "Un message doit avoir un texte.",
    "A letter has at most {size} bytes; write a shorter one.": (
        "Un message fait {size} octets au plus ; écrivez-en un plus court."
    ),
    "A letter holds text and line breaks, nothing else.": (
        "Un message contient du texte et des retours à la ligne, rien d'autre."
    ),
    "The household has not consented to this chip: the signature does not fit.": (
        "Le foyer n'a pas donné son accord à ce boîtier : la signature n'est pas valable."
    ),
    "This is no signed termination.": "Ceci n'est pas une résiliation signée.",
    "A passphrase has at least {count} characters; --draw draws a good one.": (
        "Une phrase secrète a au moins {count} caractères ; --draw en crée une bonne."
    ),
    "{path} is locked by the key {key}, not by a passphrase; name the private key's file with "
    "--key.": (
        "{path} est fermé par la clé {key}, et non par une phrase secrète ; donnez le fichier de "
        "la clé privée avec --key."
    ),
    "{path} is locked by a passphrase, not by a key; leave --key out.": (
        "{path} est fermé par une phrase secrète, et non par une clé ; omettez --key."
    ),
    "{path} is locked by the key {key}, this one is {own}; name the other one with --key.": (
        "{path} est fermé par la clé {key}, celle-ci est {own} ; donnez l'autre avec --key."
    ),
    "{path} is no backup of Volet; name what a `backup` command wrote.": (
        "{path} n'est pas une sauvegarde de Volet ; nommez ce qu'une commande `backup` a écrit."
    ),
    "{path} is of format {found}, this Volet reads {known}; install a newer Volet.": (
        "{path} est au format {found}, ce Volet lit le format {known} ; installez un Volet plus "
        "récent."
    ),
    "{path} is {what}; name the file that ends in .pub.": (
        "{path} est {what} ; nommez le fichier qui finit par .pub."
    ),
    "the private half of a backup key": "la moitié privée d'une clé de sauvegarde",
    "no public backup key": "autre chose qu'une clé publique de sauvegarde",
    "{path} is no private backup key; name the one that `backup-key` drew.": (
        "{path} n'est pas une clé privée de sauvegarde ; nommez celle qu'a créée `backup-key`."
    ),
}
