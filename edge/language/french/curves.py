"""French errors and answers about curves, captures, noise and the meter's line.

See `sentences`.
"""

CURVES = {
    "{path} is a file, not a device; give it without --device.": (
        "{path} est un fichier, pas un port ; donnez-le sans --device."
    ),
    # Refused lines of a curve.
    "expected the header `{own}` or an Enedis export (`{old}` or `Début;Fin;Valeur (en Kw)`)": (
        "l'en-tête `{own}` est attendu, ou un export d'Enedis (`{old}` ou `Début;Fin;Valeur (en "
        "Kw)`)"
    ),
    "expected `Début;Fin;Valeur (en Kw)`": "`Début;Fin;Valeur (en Kw)` est attendu",
    "expected `{header}`": "`{header}` est attendu",
    "expected a load curve in W, found the unit {unit}": (
        "une courbe de charge en W est attendue, on lit l'unité {unit}"
    ),
    "expected {count} columns, found {found}": "{count} colonnes sont attendues, on en lit {found}",
    "the curve ends here; it needs two steps at least": (
        "la courbe finit ici ; il lui faut au moins deux pas"
    ),
    "the curve ends here; it needs one measurement at least": (
        "la courbe finit ici ; il lui faut au moins une mesure"
    ),
    "{instant} comes twice, and which of both this is cannot be told; put in the rows of the hour "
    "that are missing, without a value, or cut the file here": (
        "{instant} existe deux fois, et rien ne dit laquelle est celle-ci ; ajoutez les lignes "
        "manquantes de cette heure, sans valeur, ou coupez le fichier ici"
    ),
    "{instant} does not exist: the clock goes forward there": (
        "{instant} n'existe pas : l'heure avance à ce moment"
    ),
    "up to this instant the curve has {steps} steps of {step} s, beyond {most}": (
        "jusqu'à cet instant la courbe a {steps} pas de {step} s, plus que {most}"
    ),
    "steps of {step} s do not divide an hour": "des pas de {step} s ne divisent pas une heure",
    "energy_wh {value} is not a whole number from 0 up": (
        "energy_wh {value} n'est pas un nombre entier positif ou nul"
    ),
    "the instant does not come after that of the line before": (
        "l'instant ne vient pas après celui de la ligne précédente"
    ),
    "start_utc {value} is not an ISO 8601 instant": (
        "start_utc {value} n'est pas un instant au format ISO 8601"
    ),
    "Horodate {value} is not an ISO 8601 instant": (
        "Horodate {value} n'est pas un instant au format ISO 8601"
    ),
    "Horodate {value} has no UTC offset": "Horodate {value} n'a pas de décalage UTC",
    "Valeur {value} is not a number from 0 up": "Valeur {value} n'est pas un nombre positif ou nul",
    "Valeur {value} is not a whole number of watts": (
        "Valeur {value} n'est pas un nombre entier de watts"
    ),
    "{value} is no instant such as 02/03/2023 00:30:00": (
        "{value} n'est pas un instant tel que 02/03/2023 00:30:00"
    ),
    "from {start} to {end} is no step of an hour at most": (
        "de {start} à {end}, ce n'est pas un pas d'une heure au plus"
    ),
    "whether rows are missing before this one or its step has another length cannot be told; cut "
    "the file here and take one of both parts": (
        "manque-t-il des lignes avant celle-ci, ou son pas a-t-il une autre durée ? Rien ne le dit "
        "; coupez le fichier ici et prenez l'une des deux parties"
    ),
    "{year} is not a year from {first} to {last}": (
        "{year} n'est pas une année de {first} à {last}"
    ),
    "the instant lies more than 20 years after the first one": (
        "l'instant est à plus de 20 ans du premier"
    ),
    "the line is no row of a table ({why})": "la ligne n'est pas celle d'un tableau ({why})",
    "the instant is not on the grid of {step} s": "l'instant n'est pas sur la grille de {step} s",
    "{power} W is more than a household's meter can carry": (
        "{power} W, c'est plus que ne peut le compteur d'un foyer"
    ),
    "{path}, line {line}: {what}": "{path}, ligne {line} : {what}",
    # Refused readings of Enedis' JSON.
    "{path}, reading {at}: {what}": "{path}, relevé {at} : {what}",
    "{path} is no load curve in Enedis' JSON: {why}": (
        "{path} n'est pas une courbe de charge dans le JSON d'Enedis : {why}"
    ),
    "{value} is no instant": "{value} n'est pas un instant",
    "{instant} comes twice, and which of both this is cannot be told; take the CSV, or leave this "
    "hour out": (
        "{instant} existe deux fois, et rien ne dit laquelle est celle-ci ; prenez le CSV, ou laissez "
        "cette heure de côté"
    ),
    "the instant does not come after that of the reading before": (
        "l'instant ne vient pas après celui du relevé précédent"
    ),
    "expected the header `date,colour`": "l'en-tête attendu est `date,colour`",
    "expected a date and bleu, blanc or rouge, found {what}": (
        "une date et bleu, blanc ou rouge sont attendus, on lit {what}"
    ),
    "--to lies before --from.": "--to est avant --from.",
    "{path}: the list of Tempo days cannot be read: {why}": (
        "{path} : la liste des jours Tempo est illisible : {why}"
    ),
    "Standard output is closed; give --link, or leave it open.": (
        "La sortie standard est fermée ; donnez --link, ou laissez-la ouverte."
    ),
    "{path}: the curve cannot be read: {why}": "{path} : la courbe est illisible : {why}",
    "{path}: the curve is not a text file": "{path} : la courbe n'est pas un fichier texte",
    "--faults {name}: expected a rate from 0 to 1": "--faults {name} : un taux de 0 à 1 est attendu",
    "--faults {name}: expected an instant such as 2025-01-10T12:00 (two with / between where it "
    "lasts)": (
        "--faults {name} : un instant tel que 2025-01-10T12:00 est attendu (deux avec / si cela "
        "dure)"
    ),
    "--faults {name}: expected a tariff option after /, one of {names}": (
        "--faults {name} : une option tarifaire est attendue après /, parmi {names}"
    ),
    "--faults {name}: no such fault; there are {names}": (
        "--faults {name} : panne inconnue ; il y a {names}"
    ),
    "--faults {name}: it ends before it begins": "--faults {name} : elle finit avant d'avoir commencé",
    "--link {path}: there is a file already; choose another path": (
        "--link {path} : il y a déjà un fichier ; choisissez un autre chemin"
    ),
    "--link {path}: another program still sends there ({device}); end it, or choose another path. "
    "If it is none of yours, remove the link.": (
        "--link {path} : un autre programme y émet encore ({device}) ; arrêtez-le, ou choisissez un "
        "autre chemin. S'il n'est pas à vous, supprimez le lien."
    ),
    "--link {path}: cannot be made: {why}": "--link {path} : impossible à créer : {why}",
    # Options of `simulate`.
    "{value} is not in a year from {first} to {last}.": (
        "{value} n'est pas dans une année de {first} à {last}."
    ),
    "{value} is not an instant such as 2025-01-10 or 2025-01-10T12:00.": (
        "{value} n'est pas un instant tel que 2025-01-10 ou 2025-01-10T12:00."
    ),
    "{value} is neither a factor above 0 nor `max`.": (
        "{value} n'est ni un facteur supérieur à 0, ni `max`."
    ),
    "--kva {kva} needs --phases 3: one phase carries 12 kVA at most.": (
        "--kva {kva} demande --phases 3 : une phase porte 12 kVA au plus."
    ),
    "--from/--to: the curve covers {start} to {end}; choose a period within.": (
        "--from/--to : la courbe va du {start} au {end} ; choisissez une période comprise dedans."
    ),
    "TIC output on {link} ({device}); starts when it is opened.": (
        "TIC sur {link} ({device}) ; commence quand on l'ouvre."
    ),
    # Noise.
    "{path}: no complete day from midnight to midnight.": (
        "{path} : aucune journée complète, de minuit à minuit."
    ),
    "{path}: a plain list has {count} values from 0 to {most} Wh.": (
        "{path} : une simple liste contient {count} valeurs de 0 à {most} Wh."
    ),
    "{path}: the curve cannot be read: {why}.": "{path} : la courbe est illisible : {why}.",
    "These terms are out of bounds: {why}.": "Ces termes sont hors bornes : {why}.",
    "{path}: the transform cannot be read: {why}.": (
        "{path} : la transformée est illisible : {why}."
    ),
    "a code of {count} finite slots for {what}": "il faut un code de {count} cases finies pour {what}",
    "{units} grid units of noise; at least {least}": (
        "{units} unités de grille de bruit ; il en faut {least} au moins"
    ),
    "Day {day}, {count} slots, norm after the clip {norm}": (
        "Jour       {day}, {count} cases, norme après la borne {norm}"
    ),
    "Noise {noise} clip radii a slot and home, {all} for the crowd of {crowd}": (
        "Bruit      {noise} rayon de borne par case et logement, {all} pour {crowd} logements"
    ),
    "Cost epsilon {epsilon} at delta {delta} (rho {rho})": (
        "Coût       epsilon {epsilon} à delta {delta} (rho {rho})"
    ),
    # Captures and the line.
    "{path}: no such device or file; look for the adapter under /dev/serial/by-id.": (
        "{path} : ce port ou ce fichier n'existe pas ; cherchez l'adaptateur sous /dev/serial/by-id."
    ),
    "{path}: no such device; there are {names}.": (
        "{path} : ce port n'existe pas ; il y a {names}."
    ),
    "{path}: no such device, and there is no serial device here: plug the adapter in, or turn a Pi's "
    "UART on with `sudo volet edge setup --apply`.": (
        "{path} : ce port n'existe pas, et il n'y a aucun port série ici : branchez l'adaptateur, ou "
        "activez l'UART d'un Pi avec `sudo volet edge setup --apply`."
    ),
    "{path} is no serial device; there are {names}.": (
        "{path} n'est pas un port série ; il y a {names}."
    ),
    "Standard input is this terminal, which is no capture; listen to the meter with --device, or give "
    "the path of a capture.": (
        "L'entrée standard est ce terminal, qui n'est pas une capture ; écoutez le compteur avec "
        "--device, ou donnez le chemin d'une capture."
    ),
    "{path} is no serial device, and there is none here: plug the adapter in, or turn a Pi's UART on "
    "with `sudo volet edge setup --apply`.": (
        "{path} n'est pas un port série, et il n'y en a aucun ici : branchez l'adaptateur, ou activez "
        "l'UART d'un Pi avec `sudo volet edge setup --apply`."
    ),
    "A capture has no times to play by; leave --replay out.": (
        "Une capture n'a pas d'instants à suivre ; laissez --replay de côté."
    ),
    "{path} is away: {why}.": "{path} est absent : {why}.",
    "hung up": "la liaison est coupée",
    "Input/output error": "erreur d'entrée-sortie",
    "--record-limit needs --record.": "--record-limit demande --record.",
    "The record is damaged at line {line}; ask for it again, or cut it there.": (
        "L'enregistrement est abîmé à la ligne {line} ; redemandez-le, ou coupez-le là."
    ),
    "The record was made by a newer Volet; install that one to read it.": (
        "L'enregistrement vient d'un Volet plus récent ; installez celui-là pour le lire."
    ),
    "The record has reached {size} MB and ends here; decoding goes on.": (
        "L'enregistrement a atteint {size} Mo et s'arrête ici ; le décodage continue."
    ),
    "The record ends here: {path} cannot be written: {why}.": (
        "L'enregistrement s'arrête ici : {path} ne peut pas être écrit : {why}."
    ),
    "{path} is a directory; name the meter's device, or a capture file.": (
        "{path} est un répertoire ; nommez le port du compteur, ou un fichier de capture."
    ),
    "{name} is no capture of a meter's output: it holds no group that can be read.": (
        "{name} n'est pas une capture d'un compteur : aucun groupe n'y est lisible."
    ),
    "{path} is held by another program, as by a running chip, whose `volet edge status` says how the "
    "line is; stop it first to decode here.": (
        "{path} est tenu par un autre programme, comme un boîtier en marche, dont `volet edge "
        "status` dit l'état de la liaison ; arrêtez-le d'abord pour décoder ici."
    ),
    "{path} may not be read; add this user to the group dialout (`{command}`) and log in again.": (
        "{path} ne peut pas être lu ; ajoutez cet utilisateur au groupe dialout (`{command}`) et "
        "reconnectez-vous."
    ),
    "Standard input is closed; give the path of a capture.": (
        "L'entrée standard est fermée ; donnez le chemin d'une capture."
    ),
    "{path}: {why}; give the path of a capture, or - for standard input.": (
        "{path} : {why} ; donnez le chemin d'une capture, ou - pour l'entrée standard."
    ),
    "The capture cannot be read: {why}; give a file.": (
        "La capture est illisible : {why} ; donnez un fichier."
    ),
    "permission denied": "permission refusée",
    "no such file or directory": "fichier ou répertoire absent",
    "is a directory": "c'est un répertoire",
    "Nothing was received.": "Rien n'a été reçu.",
    "No TIC group in {size} bytes.": "Aucun groupe TIC dans {size} octets.",
    "{mode}: {frames} frames, {complete} complete; {groups} groups, {refused} refused; line quality "
    "{whole}.{tenth}%.": (
        "{mode} : {frames} trames, dont {complete} complètes ; {groups} groupes, {refused} "
        "refusés ; qualité de la ligne {whole},{tenth} %."
    ),
    "{mode}: {frames} frames, {complete} complete; {groups} groups, {refused} refused; line quality "
    "{whole}.{tenth}%; {errors} characters with a parity error.": (
        "{mode} : {frames} trames, dont {complete} complètes ; {groups} groupes, {refused} "
        "refusés ; qualité de la ligne {whole},{tenth} % ; {errors} caractères avec une erreur de parité."
    ),
}
