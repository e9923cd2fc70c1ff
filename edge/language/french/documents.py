"""French errors about documents: area, identity, moving, curves, vault, backups.

See `sentences`.
"""

DOCUMENTS = {
    # Documents of the area.
    "These measures are another collectivity's.": (
        "Ces mesures sont celles d'une autre collectivité."
    ),
    "These measures would end before they take effect.": (
        "Ces mesures prendraient fin avant de prendre effet."
    ),
    "These bytes are no released figure.": "Ces octets ne sont pas un chiffre publié.",
    "These measures name a set of trustees that is not trusted here.": (
        "Ces mesures nomment des garants en qui ce boîtier n'a pas confiance."
    ),
    "These bytes are no signed document.": "Ces octets ne sont pas un document signé.",
    "This document has another hash than the terms say.": (
        "Ce document a une autre empreinte que celle annoncée."
    ),
    "This set of trustees names another key of the collectivity than the one this chip was "
    "enrolled with; ask the collectivity, and do not confirm it.": (
        "Ces garants nomment une autre clé de la collectivité que celle de l'inscription ; "
        "demandez à la collectivité, et ne les confirmez pas."
    ),
    "This transform has another hash than the measures say.": (
        "Cette transformée a une autre empreinte que celle des mesures."
    ),
    "This transform has other slots than its group.": (
        "Cette transformée n'a pas les cases de son groupe."
    ),
    "{path} is damaged; say it again.": "{path} est endommagé ; recommencez.",
    # Identity.
    "{path} does not vouch for broker, platform and contracts; have the collectivity, with today's "
    "Volet, answer the request again.": (
        "{path} ne se porte pas garant du serveur ni des contrats ; demandez à la collectivité de répondre à "
        "nouveau, avec le Volet d'aujourd'hui."
    ),
    "This answer names more than one authority, of which you could compare one; have the "
    "collectivity, with today's Volet, answer the request again.": (
        "Cette réponse nomme plus d'une autorité, dont vous ne pourriez comparer qu'une ; demandez à "
        "la collectivité de répondre à nouveau, avec le Volet d'aujourd'hui."
    ),
    "The answer's authority is {found}, and the one to expect {published}: whoever wrote the answer "
    "is not the collectivity that published this. Nothing was installed.": (
        "L'autorité de la réponse est {found}, et celle attendue {published} : qui a écrit la réponse "
        "n'est pas la collectivité qui a publié ceci. Rien n'a été installé."
    ),
    "An import into {path} was interrupted; run `volet edge import` again first.": (
        "Un import dans {path} a été interrompu ; relancez d'abord `volet edge import`."
    ),
    "{path} holds another offer than its contract takes; put it back from a copy, or remove it: "
    "bills of that contract can no longer be checked then.": (
        "{path} contient une autre offre que celle de son contrat ; remettez-le depuis une copie, "
        "ou supprimez-le : les factures de ce contrat ne pourront alors plus être vérifiées."
    ),
    "{path} is not the contract of the offer that is kept; put the one that it takes in "
    "offer.json's place, from a copy or from your provider.": (
        "{path} n'est pas le contrat de l'offre conservée ; mettez celle qu'il prend à la place "
        "d'offer.json, depuis une copie ou depuis votre fournisseur."
    ),
    "The contract names other keys than this household's.": (
        "Le contrat nomme d'autres clés que celles de ce foyer."
    ),
    "{path} is no elliptic-curve key.": "{path} n'est pas une clé sur courbe elliptique.",
    "{path} is no Ed25519 key.": "{path} n'est pas une clé Ed25519.",
    "{path} is not of {count} bytes.": "{path} ne fait pas {count} octets.",
    "{path} holds no private key in PEM.": "{path} ne contient pas de clé privée en PEM.",
    "{path} comes from systemd's credentials; take {name} out of the unit's credentials, delete it "
    "where they are kept, and run the command again.": (
        "{path} vient des secrets de systemd ; retirez {name} de ceux de l'unité, effacez-le là "
        "où ils sont gardés, et relancez la commande."
    ),
    "ca.pem is damaged; put it back from a copy.": "ca.pem est endommagé ; remettez-le depuis une copie.",
    "The enrolment names a device or collectivity out of grammar.": (
        "L'inscription nomme un boîtier ou une collectivité dont le nom n'est pas valable."
    ),
    "The certificate is another device's than the record.": (
        "Le certificat n'est pas celui du boîtier de l'inscription."
    ),
    "the certificate is not for this chip's TLS key.": (
        "le certificat n'est pas pour la clé TLS de ce boîtier."
    ),
    "The record is not for this chip's signing key.": (
        "L'inscription n'est pas pour la clé de signature de ce boîtier."
    ),
    "The record is not for this household's keys.": (
        "L'inscription n'est pas pour les clés de ce foyer."
    ),
    "The authority's key is no elliptic-curve key.": (
        "La clé de l'autorité n'est pas sur courbe elliptique."
    ),
    "The enrolment is not signed by the authority in it.": (
        "L'inscription n'est pas signée par l'autorité qu'elle contient."
    ),
    "The enrolment holds certificates that cannot be read.": (
        "L'inscription contient des certificats illisibles."
    ),
    "{path} is no certificate.": "{path} n'est pas un certificat.",
    "The letter names a contract that is not the household's.": (
        "Le message nomme un contrat qui n'est pas celui du foyer."
    ),
    "This is no letter.": "Ce n'est pas un message.",
    # Moving.
    "{path} is cut short or has grown ({size} of {whole} bytes); copy it again from where it was "
    "written.": (
        "{path} est tronqué ou trop long ({size} octets sur {whole}) ; copiez-le à nouveau depuis "
        "l'original."
    ),
    "This passphrase does not open {path}; try again as it stands written.": (
        "Cette phrase secrète n'ouvre pas {path} ; saisissez-la exactement comme elle est notée."
    ),
    "{path} is no bundle of Volet; name what `volet edge export` wrote.": (
        "{path} n'est pas un paquet de Volet ; nommez ce qu'a écrit `volet edge export`."
    ),
    "{path} is of format {found}, this Volet reads {known}; install the Volet that wrote it.": (
        "{path} est au format {found}, ce Volet lit le format {known} ; installez le Volet qui l'a "
        "écrit."
    ),
    "The bundle's keys of a year cannot be used: {why}.": (
        "Les clés d'une année de ce paquet ne peuvent pas servir : {why}."
    ),
    "start the command again.": "relancez la commande.",
    "{path}: {why}; put it back from a copy. Without a copy move it away: the chip then draws new "
    "keys, and bills over days under the old ones cannot be checked any more.": (
        "{path} : {why} ; remettez-le depuis une copie. Sans copie, retirez-le : le boîtier tire "
        "alors de nouvelles clés, et les factures des jours chiffrés avec les anciennes ne peuvent "
        "plus être vérifiées."
    ),
    "{path} is damaged or was altered; copy it again from where it was written.": (
        "{path} est endommagé ou a été modifié ; copiez-le à nouveau depuis l'original."
    ),
    "{path} is damaged or cut short; copy it again from where it was written.": (
        "{path} est endommagé ou tronqué ; copiez-le à nouveau depuis l'original."
    ),
    "--draw draws the passphrase, --passphrase-file reads it; say one.": (
        "--draw crée la phrase secrète, --passphrase-file la lit ; choisissez l'un des deux."
    ),
    "--out and --sheet name one file; keep the sheet apart.": (
        "--out et --sheet nomment le même fichier ; gardez la fiche à part."
    ),
    "This household has not left, or the collectivity has not confirmed it yet; type `volet edge "
    "move-out` at the chip first.": (
        "Ce foyer n'est pas parti, ou la collectivité ne l'a pas encore confirmé ; tapez d'abord `volet "
        "edge move-out` sur le boîtier."
    ),
    "This chip has no panel with a button and a home light; stop it and type `volet edge erase` "
    "there.": (
        "Ce boîtier n'a pas de panneau avec bouton et voyant foyer ; arrêtez-le et tapez-y `volet edge "
        "erase`."
    ),
    "Keeping fewer months deletes quarter-hours for good, which a button at the chip confirms, and "
    "this chip has no panel with a button and a home light; type `volet edge curve --keep MONTHS` "
    "there.": (
        "Garder moins de mois supprime des quarts d'heure, sans retour, ce qu'un bouton sur le boîtier "
        "confirme, et ce boîtier n'a pas de panneau avec bouton et voyant foyer ; tapez-y `volet edge "
        "curve --keep MOIS`."
    ),
    "hold the button again, or type `volet edge erase`.": (
        "tenez de nouveau le bouton, ou tapez `volet edge erase`."
    ),
    "{path} holds no chip; there is nothing to erase.": (
        "{path} ne contient pas de boîtier ; il n'y a rien à effacer."
    ),
    "The bundle holds what this Volet does not know; install a newer Volet.": (
        "Le paquet contient ce que ce Volet ne connaît pas ; installez un Volet plus récent."
    ),
    "{path} is an enrolled household's chip; `{command}` makes room, for good.": (
        "{path} est le boîtier d'un foyer inscrit ; `{command}` fait place nette, définitivement."
    ),
    "{path} is another household's; `{command}` makes room, for good.": (
        "{path} est celui d'un autre foyer ; `{command}` fait place nette, définitivement."
    ),
    "panel.{key} is set, but this machine has no pins that gpiozero can drive; take [panel] out of "
    "edge.toml.": (
        "panel.{key} est réglé, mais cette machine n'a pas de broches pour gpiozero ; retirez "
        "[panel] d'edge.toml."
    ),
    # The vault.
    "{path} is not a vault; move it away, a new one is made.": (
        "{path} n'est pas un coffre ; déplacez-le, un nouveau sera créé."
    ),
    "{path} is of version {found}, this program knows {known}; install the version that wrote it, "
    "or a newer one.": (
        "{path} est de version {found}, ce programme connaît {known} ; installez la version qui "
        "l'a écrit, ou une plus récente."
    ),
    "{path} is of an older version; start the chip, it upgrades it.": (
        "{path} est d'une version plus ancienne ; démarrez le boîtier, il le met à jour."
    ),
    "The vault holds no epoch of that incarnation for {month}.": (
        "Le coffre n'a pas d'époque de cette incarnation pour {month}."
    ),
    "The vault in this bundle is damaged; take another copy.": (
        "Le coffre de ce paquet est endommagé ; prenez une autre copie."
    ),
    "The vault refused a commit before; start the chip again.": (
        "Le coffre a refusé une écriture ; redémarrez le boîtier."
    ),
    "{path} is in use by another chip process; stop that one first.": (
        "{path} est déjà utilisé par un autre boîtier en marche ; arrêtez-le d'abord."
    ),
    # Backups.
    "Say one of --passphrase-file, --draw and --to.": (
        "Choisissez l'une des options --passphrase-file, --draw et --to."
    ),
    "--draw shows the passphrase to people; --json is for programs.": (
        "--draw affiche la phrase secrète pour qu'on la lise ; --json est pour les programmes."
    ),
    "{path} is there already; name another file, nothing is overwritten.": (
        "{path} existe déjà ; nommez un autre fichier, rien n'est écrasé."
    ),
    "{path} is no regular file; move it aside.": (
        "{path} n'est pas un fichier ordinaire ; mettez-le de côté."
    ),
    "{path} is missing, so that a backup would not hold it; put it back with `volet {party} "
    "restore --database-only`, or back up the rest with --keys-only.": (
        "{path} manque, et une sauvegarde ne le contiendrait donc pas ; remettez-le avec `volet "
        "{party} restore --database-only`, ou sauvegardez le reste avec --keys-only."
    ),
    "{path} is the public half of a backup key, which opens nothing; name the private half, the "
    "file without .pub.": (
        "{path} est la moitié publique d'une clé de sauvegarde, qui n'ouvre rien ; indiquez la "
        "moitié privée, le fichier sans .pub."
    ),
    "{path} is damaged ({why}); --keys-only leaves the database out.": (
        "{path} est endommagé ({why}) ; --keys-only laisse la base de côté."
    ),
    "{path} is not empty ({found}); name an empty directory, or move it aside.": (
        "{path} n'est pas vide ({found}) ; nommez un répertoire vide, ou déplacez-le."
    ),
    "{path} is of {found}, {other} of {wanted}; name the right one of them.": (
        "{path} est de {found}, {other} de {wanted} ; nommez le bon des deux."
    ),
    "{path} has room for {free} bytes, the backup holds {size}; make room first.": (
        "{path} a de la place pour {free} octets, la sauvegarde en fait {size} ; libérez de la place."
    ),
    "{path} is a backup of `{party}`, not of {wanted}; restore it with `{command}`.": (
        "{path} est une sauvegarde de `{party}`, pas de {wanted} ; restaurez-la avec `{command}`."
    ),
    "{path} is cut short or has grown ({size} of {whole} bytes follow its header); copy it again "
    "from where it was written.": (
        "{path} est tronqué ou trop long ({size} octets sur {whole} suivent l'en-tête) ; copiez-le "
        "à nouveau depuis l'original."
    ),
    "{path} has lost more than its database ({lost}) Restore all of the backup into an empty "
    "directory.": (
        "{path} a perdu plus que sa base ({lost}) Restaurez toute la sauvegarde dans un répertoire "
        "vide."
    ),
    "{path} is there; stop the program, then move {files}* aside.": (
        "{path} est là ; arrêtez le programme, puis déplacez {files}*."
    ),
    "Files in {path} keep changing; run this when no other command does.": (
        "Des fichiers de {path} changent sans cesse ; relancez quand aucune autre commande ne tourne."
    ),
    "What was written to {path} reads back otherwise; it was removed. Write to another disk.": (
        "Ce qui a été écrit dans {path} ne se relit pas à l'identique et a été effacé. Prenez un autre "
        "disque."
    ),
    "Nobody can be asked for a passphrase here; give --passphrase-file.": (
        "Personne ne peut saisir de phrase secrète ici ; donnez --passphrase-file."
    ),
    "{path} is no text; write the passphrase into it.": (
        "{path} n'est pas un texte ; écrivez-y la phrase secrète."
    ),
    # Damaged and unusable files.
    "import the bundle again.": "importez à nouveau le paquet.",
    "ask again.": "demandez à nouveau.",
    "confirm again.": "confirmez à nouveau.",
    "take another backup.": "prenez une autre sauvegarde.",
    "name the file that `backup` wrote.": "nommez le fichier qu'a écrit `backup`.",
    "{path} cannot be read: {why}; start the chip, it repairs it.": (
        "{path} ne peut pas être lu : {why} ; démarrez le boîtier, il le répare."
    ),
    "{path} cannot be opened: {why}.": "{path} ne peut pas être ouvert : {why}.",
    "{path} cannot be locked: {why}.": "{path} ne peut pas être verrouillé : {why}.",
    "{path} cannot be made: {why}.": "{path} ne peut pas être créé : {why}.",
    "{path} cannot be erased: {why}; run this again.": (
        "{path} ne peut pas être effacé : {why} ; relancez cette commande."
    ),
    "{path} cannot be copied: {why}; --keys-only leaves the database out.": (
        "{path} ne peut pas être copié : {why} ; --keys-only laisse la base de côté."
    ),
    "{path} cannot be made, since {folder} is another user's; run this as that user, or make it "
    "yours first: `{command}`.": (
        "{path} ne peut pas être créé, car {folder} est à un autre utilisateur ; lancez ceci sous "
        "son compte, ou rendez-vous-en d'abord propriétaire : `{command}`."
    ),
    "The vault in this bundle is damaged: {why}; take another copy.": (
        "Le coffre de ce paquet est endommagé : {why} ; prenez une autre copie."
    ),
    "{library} is missing, which every Debian with systemd has: `{command}`.": (
        "{library} manque, que toute Debian avec systemd possède : `{command}`."
    ),
    "{library} does not know {call}; install a newer one.": (
        "{library} ne connaît pas {call} ; installez-en une plus récente."
    ),
    "This kernel filters no system calls (seccomp); use Debian's own.": (
        "Ce noyau ne filtre pas les appels système (seccomp) ; prenez celui de Debian."
    ),
    "There is no room for the vault here: {why}; make room, then try again.": (
        "La place manque ici pour le coffre : {why} ; faites de la place, puis recommencez."
    ),
    "The vault in this bundle cannot be used: {why}.": (
        "Le coffre de ce paquet est inutilisable : {why}."
    ),
    "The vault cannot be used: {why}; start the chip again.": (
        "Le coffre est inutilisable : {why} ; redémarrez le boîtier."
    ),
    "The vault cannot be written: {why}.": "Impossible d'écrire dans le coffre : {why}.",
    "The bundle's household key cannot be used: {why}.": (
        "La clé de foyer du paquet est inutilisable : {why}."
    ),
    "This offer's sealing key cannot be used: {why}.": (
        "La clé de scellement de cette offre est inutilisable : {why}."
    ),
    "The enrolment record cannot be read: {why}.": "L'inscription est illisible : {why}.",
    "{path} is no {kind}: {why}.": "{path} n'est pas le bon document ({kind}) : {why}.",
    "There is no table [panel] in {path}; write one.": (
        "Il n'y a pas de table [panel] dans {path} ; écrivez-la."
    ),
    "The table [panel] names no pin; take it out, or name one.": (
        "La table [panel] ne nomme aucune broche ; retirez-la, ou nommez-en une."
    ),
    "panel.{key} = {pin} is a pin of the meter's line; take another.": (
        "panel.{key} = {pin} est une broche de la ligne du compteur ; prenez-en une autre."
    ),
    "panel.{key} and panel.{twin} are both {pin}; change one.": (
        "panel.{key} et panel.{twin} sont tous deux {pin} ; changez l'un."
    ),
    "The chip runs, and may have the pins; stop it first: `systemctl stop 'volet-edge@*'`.": (
        "Le boîtier fonctionne et tient peut-être les broches ; arrêtez-le d'abord : `systemctl stop "
        "'volet-edge@*'`."
    ),
    "Nobody held the button, or it is not wired to panel.button_gpio and ground.": (
        "Personne n'a tenu le bouton, ou il n'est pas relié à panel.button_gpio et à la masse."
    ),
    "panel.{key} = {pin} cannot be used: {why}.": "panel.{key} = {pin} est inutilisable : {why}.",
    "No database is in {path}: it was made with --keys-only, or there was none.": (
        "{path} ne contient pas de base : la sauvegarde a été faite avec --keys-only, ou il n'y en "
        "avait pas."
    ),
    "{path} holds {found}, which this Volet does not know; install the newer Volet that wrote it.": (
        "{path} contient {found}, que ce Volet ne connaît pas ; installez le Volet plus récent qui "
        "l'a écrit."
    ),
    "the stream is too short": "le flux est trop court",
    "the stream is too long": "le flux est trop long",
    "TLS identity {certificate} with key {key} and authority {authority} does not load: {why}.": (
        "L'identité TLS {certificate}, avec la clé {key} et l'autorité {authority}, est "
        "inutilisable : {why}."
    ),
    "{amount} € is no number of cents": "{amount} € n'est pas un nombre entier de centimes",
    # Usage.
    "--ages: six numbers of persons with commas.": (
        "--ages : six nombres de personnes, séparés par des virgules."
    ),
    "Your present contract and your last request differ in {option}; say which you choose.": (
        "Votre contrat actuel et votre dernière demande diffèrent par {option} ; dites lequel vous "
        "choisissez."
    ),
    "An offer is taken from a day on: --from.": "Donnez le premier jour du contrat : --from.",
    # Next steps when a file is missing.
    "put it back from a copy.": "remettez-le depuis une copie.",
    "put it back from a copy, or make a new request.": (
        "remettez-le depuis une copie, ou faites une nouvelle demande."
    ),
    "put it back from a backup.": "remettez-le depuis une sauvegarde.",
    "say it again.": "recommencez.",
    "draw a pair with `backup-key`.": "créez une paire de clés avec `backup-key`.",
    "name the private key's file.": "donnez le fichier de la clé privée.",
    "write the passphrase into it, mode 0600.": "écrivez-y la phrase secrète, en mode 0600.",
    "name it in the unit.": "nommez-le dans l'unité.",
    # Errors in a document's form.
    "{path}: {why}; known here: {names}.": "{path} : {why} ; sont connus ici : {names}.",
    "{path}: {why}; see docs/reference/configuration.md.": (
        "{path} : {why} ; voyez docs/reference/configuration.md."
    ),
    "{what} (at line {line}, column {column})": "{what}, ligne {line}, colonne {column}",
    "{what} (at end of document)": "{what}, à la fin du fichier",
    "Invalid value": "valeur incorrecte",
    "Invalid statement": "ligne incorrecte",
    "Cannot overwrite a value": "une valeur est donnée deux fois",
    "known here: {names}.": "sont connus ici : {names}.",
    "Object contains unknown field {field}": "le champ {field} est inconnu",
    "Object contains unknown field {field} - at {place}": "le champ {field} est inconnu, en {place}",
    "Object missing required field {field}": "il manque le champ {field}",
    "Object missing required field {field} - at {place}": "il manque le champ {field}, en {place}",
    "Expected {wanted}, got {found}": "{wanted} est attendu, on lit {found}",
    "Expected {wanted}, got {found} - at {place}": "{wanted} est attendu, on lit {found}, en {place}",
    "Expected {wanted} - at {place}": "{wanted} est attendu, en {place}",
    "Invalid enum value {value}": "la valeur {value} n'est pas permise",
    "Invalid enum value {value} - at {place}": "la valeur {value} n'est pas permise, en {place}",
    "JSON is malformed: it is not UTF-8": "ce JSON est mal formé : il n'est pas en UTF-8",
    "JSON is malformed: {why}": "ce JSON est mal formé : {why}",
    "JSON is nested too deeply": "ce JSON est trop imbriqué",
    "the key {key} stands twice": "la clé {key} est écrite deux fois",
    "Input data was truncated": "les données sont tronquées",
    "Rows of the vault would be lost: {names}.": "Des lignes du coffre seraient perdues : {names}.",
    "{path} cannot be copied: {why}.": "{path} ne se copie pas : {why}.",
    "The vault cannot be read: {kind}, {why}.": "Le coffre est illisible : {kind}, {why}.",
    "The vault is damaged: {why}.": "Le coffre est endommagé : {why}.",
}
