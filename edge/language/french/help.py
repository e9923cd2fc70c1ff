"""French help of the commands and options of `volet edge`, by their English."""

HELP = {
    "The chip in the home.": "Le boîtier dans le logement.",
    # Commands.
    "Name what is wrong with this chip's files, settings, line and machine, and what mends it. Changes "
    "nothing, and needs no running chip. Exit codes: 0 nothing is wrong; 5 something is, or there is no "
    "chip in this directory.": (
        "Nomme ce qui ne va pas dans les fichiers, les réglages, la ligne et la machine de ce boîtier, et "
        "ce qui y remédie.\n\n"
        "Ne change rien, et n'a pas besoin d'un boîtier en marche. Codes de sortie : 0 tout va bien ; 5 "
        "quelque chose ne va pas, ou il n'y a pas de boîtier dans ce répertoire."
    ),
    "Set the board up so that the meter's line can be read. Shows what would change, and changes "
    "it with --apply or after asking. Exit codes: 0 done, or nothing has to change, or nothing was "
    "changed; 5 what is there is not known to this program.": (
        "Règle la carte pour que la ligne du compteur puisse être lue.\n\n"
        "Montre ce qui changerait, et le change avec --apply ou après avoir demandé. Codes de "
        "sortie : 0 fait, ou rien à changer, ou rien n'a été changé ; 5 ce programme ne connaît "
        "pas ce qu'il trouve."
    ),
    'The line of the meter: "header", or a device in /dev/serial/by-id.': (
        "Ligne du compteur : « header » (le connecteur), ou un périphérique de /dev/serial/by-id."
    ),
    "Make the changes without asking.": "Fait les changements sans demander.",
    "The root of the system to set up.": "Racine du système à régler.",
    "Generate the chip's TLS, signing and household keys. Existing keys are never overwritten.": (
        "Crée les clés du boîtier : TLS, signature, celle du foyer. Aucune n'est jamais écrasée."
    ),
    "Write an enrolment request, with a contract if an offer is given. It contains only public "
    "keys. Hand it to the collectivity and install the answer with `volet edge enrol "
    "ENROLMENT.json`. If a meter is connected, the contract names that meter. The contract is shown "
    "with its prices, what will not work with it, and who sees it. A later request keeps the "
    "household's earlier choices and shows them.": (
        "Fait une demande d'inscription, avec un contrat si une offre est prise.\n\n"
        "Elle ne porte que des clés publiques. Remettez-la à la collectivité et installez sa "
        "réponse avec `volet edge enrol ENROLMENT.json`. Si un compteur est branché, le contrat est pour lui. "
        "Le contrat est montré avec ses prix, ce qui n'ira pas avec lui, et qui le voit. Refaite, elle garde ce que le foyer a choisi avant, et le dit."
    ),
    "The authority's fingerprint as the collectivity publishes it; another one is refused.": (
        "L'empreinte de l'autorité telle que la collectivité la publie ; une autre est refusée."
    ),
    "Check the collectivity's answer and install it as this chip's identity.": (
        "Vérifie la réponse de la collectivité et en fait l'identité de ce boîtier."
    ),
    "Read the meter, encrypt, send, and check what comes back, until stopped. A chip whose keys are "
    "drawn and which is not enrolled yet looks at the line and answers its page, meters nothing, and "
    "goes on as soon as it is enrolled. A device that is not plugged in yet is waited for. At the end of a capture file or of standard input, the chip stops "
    "once the cloud has acknowledged everything. Exit codes: 0 stopped, 5 configuration, 6 the vault "
    "cannot continue (start again).": (
        "Suit le compteur, chiffre, envoie et vérifie ce qui revient, jusqu'à l'arrêt.\n\n"
        "Un boîtier dont les clés sont créées et qui n'est pas encore inscrit regarde la ligne et répond "
        "à sa page, ne mesure rien, et continue dès qu'il est inscrit. Un périphérique qui n'est pas encore branché est attendu. Un fichier de capture ou l'entrée "
        "standard a une fin ; le boîtier s'arrête alors dès que la collectivité a tout confirmé. Codes "
        "de sortie : 0 arrêté, 5 configuration, 6 le coffre ne peut pas continuer (relancez)."
    ),
    "Show an index or a meter that the chip does not accept, and confirm it after asking. An "
    "index that fell, or rose by more than can have been used, stops billing until the old "
    "index continues or a person confirms that the meter shows the new one. A meter other than "
    "the household's is set aside until a person confirms that it is theirs now, a contract "
    "names it, or it has been connected for a day. Until the chip has acted on a confirmation, "
    "run the command again and answer no to withdraw it.": (
        "Affiche un index que le boîtier ne retient pas, ou un autre compteur, et le confirme.\n\n"
        "Un index qui baisse, ou augmente de plus qu'on n'a pu consommer, arrête la facturation "
        "jusqu'à ce que l'ancien reprenne ou qu'une personne dise que le compteur affiche le "
        "nouveau. Un autre compteur que celui du foyer est mis de côté jusqu'à ce qu'une personne "
        "dise que c'est désormais le sien, qu'un contrat le nomme, ou qu'il soit resté un jour. "
        "Demande d'abord. Tant que le boîtier n'est pas reparti, répondre non annule ce qui a été "
        "confirmé."
    ),
    "Show the chip's state and what needs doing, for the household's own eyes.": (
        "Affiche comment va le boîtier et ce qu'il y a à faire ; pour le foyer seul."
    ),
    "Move this household out: close the day now, send everything and end its contracts. The "
    "command asks first, then leaves the order for the running chip and waits. The chip carries "
    "it out with its next valid reading. The order holds until it is carried out or withdrawn "
    "(--cancel). Afterwards this chip meters nothing more for this household.": (
        "Met fin au séjour de ce foyer : clôt la journée, envoie tout, termine ses contrats.\n\n"
        "Le boîtier en marche le fait à sa prochaine bonne lecture ; cette commande demande "
        "d'abord, puis lui laisse l'ordre et attend. L'ordre tient jusqu'à ce qu'il soit exécuté "
        "ou retiré (--cancel). Ensuite plus rien n'est compté pour ce foyer sur ce boîtier."
    ),
    "Write the household's keys, contracts and vault to a file encrypted with a passphrase. "
    "With --keys-only the vault stays here. The other chip then fetches the blocks from the "
    "cloud, but it counts this year's privacy budget as spent, because it cannot know how much "
    "is left. An existing file is never overwritten.": (
        "Écrit les clés, contrats et coffre du foyer dans un fichier sous une phrase secrète.\n\n"
        "Avec --keys-only le coffre reste ici : un autre boîtier reprend les blocs auprès de la "
        "collectivité, mais tient le budget de vie privée de l'année pour dépensé, faute d'en savoir plus. Un "
        "fichier existant n'est jamais écrasé."
    ),
    "Import a household into this chip from the bundle that another chip exported. The chip "
    "keeps its own keys and writes an enrolment request. With it, the collectivity lets the "
    "household continue on this chip.": (
        "Reçoit un foyer dans ce boîtier, depuis le paquet qu'un autre a exporté.\n\n"
        "Le boîtier garde ses propres clés et fait une demande que la collectivité comprend comme "
        "la suite de ce foyer ici."
    ),
    "Destroy the household's keys and vault on this chip, and generate new keys for the next "
    "one.": ("Détruit les clés et le coffre du foyer sur ce boîtier, et crée de nouvelles clés."),
    "Show this chip's copy of the transparency log of offers, calendars and market series. Exit "
    "code 3: the chip was shown a list that contradicts its copy.": (
        "Affiche le journal de transparence des offres, calendriers et prix de marché, tel que ce boîtier le tient.\n\n"
        "Code de sortie 3 : une liste montrée à ce boîtier contredit sa copie."
    ),
    "Compare what each listed offer would have cost this household in the past year. The sums "
    "arrive encrypted and are opened here: nobody else learns the totals or the cheapest offer. "
    "Exit code 3: the answer was refused.": (
        "Compare ce que chaque offre publiée aurait coûté à ce foyer sur l'année passée.\n\n"
        "Les sommes arrivent chiffrées et s'ouvrent ici ; personne d'autre n'apprend les totaux ni "
        "la moins chère. Code de sortie 3 : la réponse n'est pas ce qu'elle devrait être."
    ),
    "Show the bills that have arrived, opened and checked by this chip. Exit code 3: a bill "
    "disagrees with the meter or was refused, and no later bill covers its days correctly. A "
    "bill that only repeats days already billed correctly does not count. Neither do days on "
    "which another meter was taken for the home's, because no bill can cover them.": (
        "Affiche les factures arrivées, ouvertes et vérifiées par ce boîtier.\n\n"
        "Code de sortie 3 : l'une ne concorde pas avec le compteur, ou a été refusée, et aucune "
        "autre n'a depuis compté ses jours correctement. Une facture qui ne fait que répéter des "
        "jours déjà réglés correctement ne compte pas, ni les jours où un autre compteur a été pris "
        "pour celui du foyer, qu'aucune ne peut compter."
    ),
    "Show which receipts went to the provider, or release those that are held.": (
        "Affiche les reçus remis au fournisseur ; les laisse repartir après des factures inexactes."
    ),
    "Show how much of your own load curve the chip keeps, write it to a file, or keep another length. "
    "The curve never leaves the chip by itself. The file has the mean power of each quarter-hour in "
    "watts, at the instant at which it ends, and names neither you nor the meter. Whoever reads it "
    "sees when you are at home.": (
        "Affiche combien de votre courbe de charge le boîtier garde, l'écrit dans un fichier, ou en "
        "garde une autre longueur.\n\n"
        "La courbe ne quitte jamais le boîtier d'elle-même. Le fichier a la puissance moyenne de chaque "
        "quart d'heure, en watts, à l'instant où il finit, et ne nomme ni vous ni le compteur. Qui le "
        "lit voit quand vous êtes chez vous."
    ),
    "Show your providers' private messages, which nobody on the way could read.": (
        "Affiche les messages de vos fournisseurs ; personne en chemin n'a pu les lire."
    ),
    "Show the privacy cost of the area lane today, this month and this year, and what is left. "
    "The account is kept in zCDP (rho). An epsilon bounds what anybody could learn from it. "
    "Bills cost nothing and continue when the budget is spent.": (
        "Affiche ce que les chiffres du quartier ont coûté : jour, mois, année, et ce qui reste.\n\n"
        "Le compte est tenu en zCDP (rho) ; un epsilon est le pire que l'on puisse en apprendre. "
        "Les factures ne coûtent rien et continuent quand le budget de vie privée est dépensé."
    ),
    "Show or set who lives here. It leaves this chip noised and encrypted, or not at all.": (
        "Affiche ou fixe qui habite ici ; cela ne sort que bruité et chiffré, ou pas du tout."
    ),
    "Show the trustees and your groups, or confirm the first trustee set by its fingerprint. "
    "Compare the fingerprint with the one that each trustee publishes. Later sets need no "
    "confirmation, because each is signed by the set before it.": (
        "Affiche les premiers garants, les confirme par leur empreinte ; montre vos groupes.\n\n"
        "Comparez l'empreinte avec celle que publie chaque garant. Les suivants n'ont pas besoin "
        "de confirmation : les précédents les signent."
    ),
    "Show whether this home contributes to its area's figures, or turn that on or off. While it "
    "is off, no day is contributed and unsent contributions are deleted. Bills continue.": (
        "Affiche si ce logement participe aux chiffres de son quartier ; l'active ou l'arrête.\n\n"
        "Arrêté : aucun jour n'est fourni, ce qui n'est pas parti est effacé. Les factures "
        "continuent."
    ),
    "Clip a day and add one home's share of noise, as the chip does, DRAWS times. The first "
    "complete day of the curve is used. Draws minus `clipped` are independent discrete Gaussian "
    "noise of standard deviation `std_units`, in units of the grid. Nothing leaves this "
    "machine, nothing is encrypted and no budget is spent. (A chip draws once for a day.) Exit "
    "codes: 0 done, 1 the terms are out of bounds, 2 usage, 5 the curve cannot be read.": (
        "Borne une journée et ajoute la part de bruit d'un logement, DRAWS fois.\n\n"
        "Prend la première journée complète de la courbe. Les tirages moins `clipped` sont un "
        "bruit gaussien discret indépendant d'écart-type `std_units`, en unités de la grille. Rien "
        "ne sort de cette machine, rien n'est chiffré et aucun budget n'est dépensé : un boîtier "
        "tire une fois par jour. Codes de sortie : 0 fait, 1 termes hors bornes, 2 mauvaise "
        "utilisation, 5 courbe illisible."
    ),
    'Decode the TIC output of a meter from FILE, or from standard input if FILE is "-". FILE is a '
    "capture of the line's bytes, or a record that --record made. Mode, parity and, on a device, "
    "line speed are detected automatically; if something is wrong with the line, a hint says what "
    "it is and what to do. Exit codes: 0 done, 2 wrong usage, 5 the source cannot be read or holds "
    "nothing that a meter sends.": (
        "Décode la TIC d'un compteur depuis FICHIER, ou l'entrée standard si FICHIER est « - ».\n\n"
        "FICHIER est une capture des octets de la ligne, ou un enregistrement fait avec --record. Mode, "
        "parité et, sur une ligne, vitesse sont détectés automatiquement ; si la ligne a un défaut, "
        "un conseil dit lequel et que faire. Codes de sortie : 0 fait, 2 mauvaise utilisation, 5 la "
        "source est illisible, ou ne contient rien qu'un compteur envoie."
    ),
    "Serve the household's page on the sockets that systemd opened; a unit runs this.": (
        "Sert la page du foyer sur les sockets que systemd a ouvertes ; une unité lance cela."
    ),
    "Seconds without a visit after which it ends.": (
        "Secondes sans visite au bout desquelles elle s'arrête."
    ),
    "Let the chip know whether its clock is right; a unit beside the chip's runs this.": (
        "Dit au boîtier si son horloge est juste ; une unité à côté de la sienne lance ceci."
    ),
    "Play a record at the pace at which the line sent it.": (
        "Rejoue un enregistrement au rythme où la ligne l'a envoyé."
    ),
    "Also write what arrives, with its times, to a new file that can be decoded again.": (
        "Écrit aussi ce qui arrive, avec les instants, dans un nouveau fichier à décoder plus tard."
    ),
    "End the record at this size. [default: 10]": (
        "Arrête l'enregistrement à cette taille. [par défaut : 10]"
    ),
    "Mask what identifies the home, in what is printed and recorded.": (
        "Masque ce qui identifie le foyer, à l'écran et dans l'enregistrement."
    ),
    "Simulate a Linky's TIC output: either mode, any tariff option, faults on request.": (
        "Envoie ce qu'un Linky enverrait : deux modes, toute option, pannes à la demande."
    ),
    "Write all that a chip needs into one encrypted file, and check it by reading it back. "
    "Programs may run meanwhile. Without --to, a passphrase is asked for, or read from "
    "--passphrase-file or systemd's credential backup.passphrase. An existing file is never "
    "overwritten. Exit codes: 0 written and read back, 5 something must be put right, 6 the "
    "database cannot be read or the file reads back otherwise.": (
        "Écrit dans un fichier chiffré tout ce qu'il faut à un boîtier, et le relit.\n\n"
        "Les programmes peuvent tourner. Sans --to, une phrase secrète est demandée, ou lue par "
        "--passphrase-file ou dans backup.passphrase de systemd. Un fichier existant n'est jamais "
        "écrasé. Codes de sortie : 0 écrit et relu, 5 quelque chose est à corriger, 6 la base est "
        "illisible ou le fichier ne se relit pas à l'identique."
    ),
    "Put the backup FILE of a chip into an empty directory. All of it is checked before anything "
    "is written, and nothing is overwritten. Exit codes: 0 restored, 5 something must be put right "
    "and nothing was changed, 6 the database in it is damaged.": (
        "Restaure la sauvegarde FICHIER d'un boîtier dans un répertoire vide.\n\n"
        "Tout est vérifié avant d'écrire, et rien n'est écrasé. Codes de sortie : 0 restauré, 5 quelque "
        "chose est à corriger et rien n'a changé, 6 la base qu'elle contient est endommagée."
    ),
    "Draw a key pair for backups: FILE opens them, FILE.pub is all that writing them takes. Do it "
    "on another machine than the one that is backed up, and take only FILE.pub there.": (
        "Crée une paire de clés : FICHIER ouvre les sauvegardes, FICHIER.pub suffit pour les écrire.\n\n"
        "Faites-le sur une autre machine que celle qui est sauvegardée, et n'y portez que FICHIER.pub."
    ),
    # Options.
    "The new file; or a folder, in which it is named by the time.": (
        "Le nouveau fichier ; ou un dossier, où il est nommé par l'heure."
    ),
    "Draw the passphrase and show it once.": "Crée la phrase secrète et l'affiche une fois.",
    "Lock it with this public key (`backup-key`) instead of a passphrase.": (
        "Ferme avec cette clé publique (`backup-key`) plutôt qu'une phrase secrète."
    ),
    "Leave the database out.": "Laisse la base de côté.",
    "Open it with this private key (`backup-key`).": "Ouvre avec cette clé privée (`backup-key`).",
    "Only open it, check all of it, and say what a restore would say.": "Ne fait que l'ouvrir, tout vérifier et dire ce que dirait une restauration.",
    "Only the database, into a directory that has lost it and nothing else.": (
        "La base seule, dans un répertoire qui n'a perdu qu'elle."
    ),
    "Where to write the private key.": "Où écrire la clé privée.",
    "The chip's directory.": "Le répertoire du boîtier.",
    "French or English. Default: by LC_ALL, LC_MESSAGES or LANG.": (
        "Français ou anglais ; sinon ce que dit LC_ALL, LC_MESSAGES ou LANG."
    ),
    "Show this message and exit.": "Affiche ce message et s'arrête.",
    "The provider's offer that the household takes (JSON).": (
        "L'offre du fournisseur que prend le foyer (JSON)."
    ),
    "The meter's serial (ADSC or ADCO, 12 digits), which stays here. Default: the one that this "
    "chip reads.": (
        "Le numéro du compteur (ADSC ou ADCO, 12 chiffres) ; reste ici. Sans lui, celui que lit ce "
        "boîtier."
    ),
    "The contract's first day.": "Le premier jour du contrat.",
    "What a receipt may show the provider: nothing, the total, or also the kWh of each line. "
    "Default: as in your contract until now, else the total.": (
        "Ce qu'un reçu peut dire au fournisseur : rien, le total, ou aussi les kWh par ligne. Sans "
        "elle : ce que dit votre contrat jusqu'ici, sinon le total."
    ),
    "Whether later listed offers that extend this one with new prices apply to the contract. "
    "Default: as in your contract until now, else they do.": (
        "Si les offres publiées qui prolongent celle-ci valent pour le contrat. Sans elle : comme "
        "dans votre contrat jusqu'ici, sinon oui."
    ),
    "Where to write it. Default: request.json in the chip's directory.": (
        "Où l'écrire ; request.json dans le répertoire du boîtier."
    ),
    "The meter: a serial device, a pty, a capture file, or - for standard input.": (
        "Le compteur : une ligne série, un pty, un fichier de capture, ou - (entrée standard)."
    ),
    "Print JSON.": "Affiche du JSON.",
    "Print JSON: what was done, and said.": "Affiche du JSON : ce qui a été fait, et dit.",
    "Stop waiting after so many seconds without progress; the chip continues.": (
        "Cesse d'attendre quand rien n'a bougé pendant tant de secondes ; le boîtier continue."
    ),
    "Where to write the bundle.": "Où écrire le paquet.",
    "Write a recovery sheet to print: .html, or text.": (
        "Écrit une fiche de secours à imprimer : .html, ou texte."
    ),
    "Leave out the vault, and its ledger.": "Sans le coffre : petit, sans registre.",
    "Generate the passphrase, show it once and put it on the sheet.": (
        "Crée la phrase secrète, l'affiche une fois, la met sur la fiche."
    ),
    "Read the passphrase from this file (mode 0600), or from /dev/fd/N.": (
        "Lit la phrase secrète dans ce fichier (mode 0600), ou dans /dev/fd/N."
    ),
    "Do not ask.": "Ne demande rien.",
    "Write the curve to this new file, as Enedis lays it out: .csv or .json.": (
        "Écrit la courbe dans ce nouveau fichier, comme Enedis la présente : .csv ou .json."
    ),
    "With --out: first day; all by default.": "Avec --out : premier jour ; tous par défaut.",
    "With --out: last day; all by default.": "Avec --out : dernier jour ; tous par défaut.",
    "Months of quarter-hours to keep on this chip; asks first if they are fewer.": (
        "Mois de quarts d'heure à garder sur ce boîtier ; demande d'abord s'ils sont moins nombreux."
    ),
    "With --keep: do not ask.": "Avec --keep : ne demande rien.",
    "Withdraw the order, while the day is open.": "Retire l'ordre, tant que le jour est ouvert.",
    "Ask again; the chip sends the question in 2 to 12 hours.": (
        "Demande à nouveau ; le boîtier envoie la question d'ici 2 à 12 heures."
    ),
    "With --ask: at once, which shows that you are at home.": (
        "Avec --ask : tout de suite, ce qui montre que vous êtes chez vous."
    ),
    "Subscribed power. Default: your contract's.": "Puissance souscrite ; celle de votre contrat.",
    "Draw the comparison (SVG).": "Dessine la comparaison (SVG).",
    "Write the latest bill as a page (HTML).": "Écrit la dernière facture en page (HTML).",
    "Write the latest bill as PDF.": "Écrit la dernière facture en PDF.",
    "Write this bill instead of the latest: its id, or its start.": (
        "Écrit cette facture au lieu de la dernière : son identifiant, ou son début."
    ),
    "Release held receipts; asks first.": "Laisse repartir les reçus ; demande d'abord.",
    "With --release: do not ask.": "Avec --release : ne demande rien.",
    "Lower what a year may cost (rho).": "Baisse ce qu'une année peut coûter (rho).",
    "Persons aged 0-14, 15-29, 30-44, 45-59, 60-74, 75+: six numbers, as 0,0,2,0,0,0.": (
        "Personnes de 0-14, 15-29, 30-44, 45-59, 60-74, 75+ ans : six nombres, tel 0,0,2,0,0,0."
    ),
    "How many of them are employed.": "Combien d'entre elles ont un emploi.",
    "Delete the profile, so that zeros are contributed.": "Ne plus rien dire de qui habite ici.",
    "Trust the set with this fingerprint.": "Fait confiance aux garants de cette empreinte.",
    "A curve (`volet edge simulate` says which formats), or 96 values in Wh as CSV or JSON.": (
        "Une courbe (formats : `volet edge simulate`), ou 96 valeurs en Wh, CSV ou JSON."
    ),
    "Privacy cost of the day.": "Ce que la journée coûte à la vie privée.",
    "Number of homes that share the noise.": "Pour combien de logements le bruit est partagé.",
    "Fraction of homes that may add none.": "La part qui peut n'en ajouter aucun.",
    "Transform of the measures (bytes).": "La transformée des mesures (octets).",
    "Print a JSON object per frame, then a summary.": "Un objet JSON par trame, puis un résumé.",
    "Listen to a serial device or pty instead, until interrupted.": (
        "Écoute plutôt une ligne série ou un pty, jusqu'à l'interruption."
    ),
    "Load curve, CSV: `start_utc,energy_wh`, or an Enedis export. Without it, a synthetic "
    "household.": (
        "Courbe de charge, CSV : `start_utc,energy_wh`, ou un export d'Enedis. Sans elle, un foyer "
        "inventé."
    ),
    "TIC mode.": "Mode de la TIC.",
    "Tariff option.": "Option tarifaire.",
    "Create a pseudo-terminal with a symbolic link here; start when it is opened. Without it, "
    "standard output.": (
        "Crée un pseudo-terminal et un lien vers lui ; commence quand on lit. Sinon, sortie "
        "standard."
    ),
    "How many times faster simulated time passes, or `max`.": (
        "Combien de fois plus vite passe le temps simulé, ou `max`."
    ),
    "What goes wrong: rates flips, drops, bursts, eot, parity; instants replace, mode, wrap, "
    "reset; INSTANT/OPTION calendar; FROM/TO cut, degraded, other.": (
        "Ce qui va mal : taux flips, drops, bursts, eot, parity ; instants replace, mode, wrap, "
        "reset ; INSTANT/OPTION calendar ; FROM/TO cut, degraded, other."
    ),
    "Begin here. [default: the curve's start; 2025-01-01]": (
        "Commence ici. [par défaut : le début de la courbe ; 2025-01-01]"
    ),
    "End here. [default: the curve's end; a year later]": (
        "Finit ici. [par défaut : la fin de la courbe ; un an plus tard]"
    ),
    "Subscribed power.": "Puissance souscrite.",
    "Phases.": "Phases.",
    "Add solar panels that inject what is not used.": "Des panneaux injectent ce qui n'est pas consommé.",
    "Seed of household, serial, indices and faults.": "La graine du foyer, du numéro, des index et des pannes.",
    "Simulated seconds between frames; 0: as the line carries them. [default: by speed]": (
        "Secondes simulées entre trames ; 0 : comme la ligne les porte. [par défaut : selon la "
        "vitesse]"
    ),
    "CSV `date,colour` (bleu, blanc, rouge) of Tempo days. [default: drawn from the seed]": (
        "CSV `date,colour` (bleu, blanc, rouge) des jours Tempo. [par défaut : tirés de la graine]"
    ),
    "Serve the household's page, or let somebody look at it. What the meter says, what left the "
    "home, and the chip's state, in a browser at home. Visitors of the home's own network alone are "
    "answered, once they are paired. The page speaks the language that a browser asks for, French or "
    "English, else that of --lang.": (
        "Sert la page du foyer, ou laisse entrer quelqu'un.\n\nCe que dit le compteur, ce qui est "
        "parti du foyer et l'état du boîtier, dans un navigateur à la maison. Seuls les visiteurs du "
        "réseau de la maison reçoivent une réponse, une fois appairés. La page parle la langue que "
        "demande le navigateur, français ou anglais, sinon celle de --lang."
    ),
    "Let one visitor in: shows a code for the page.": (
        "Laisse entrer un visiteur : montre un code pour la page."
    ),
    "With --pair: that visitor sees the curve only.": (
        "Avec --pair : ce visiteur ne voit que la courbe."
    ),
    "Show the page's addresses, and its fingerprint.": (
        "Montre les adresses de la page, et son empreinte."
    ),
    "Listen on this address.": "Écoute à cette adresse.",
    "Listen there. With --show: the port to name, in the place of the one that is known.": (
        "Écoute là. Avec --show : le port à nommer, à la place de celui qui est connu."
    ),
    "The lights and the button on the chip.": "Les voyants et le bouton du boîtier.",
    "Light each light in each rhythm, and wait for a press of the button. The chip must not run "
    "meanwhile, since it has the pins then. A press does nothing here.": (
        "Montre chaque voyant dans chaque rythme, puis attend le bouton.\n\nLe boîtier ne doit pas "
        "fonctionner pendant ce temps : il tient alors les broches. Le bouton ne change rien ici."
    ),
    "Repeat the meter's raw line on the home network, for programs that read it themselves. `on` asks "
    "first. Off at first, and off again after each enrolment, move, erasure and restore. The numbers of meter and "
    "point of delivery are replaced by others, always the same ones. Only private addresses are "
    "answered.": (
        "Répète la ligne brute du compteur sur le réseau de la maison, pour les programmes qui la "
        "lisent eux-mêmes.\n\n`on` demande d'abord. Désactivé au départ, et de nouveau après chaque inscription, "
        "déménagement, effacement et restauration. Les numéros du compteur et du point de livraison "
        "sont remplacés par d'autres, toujours les mêmes. Seules les adresses privées reçoivent une "
        "réponse."
    ),
    "With `on`: the TCP port; 9600 at first.": "Avec `on` : le port TCP ; 9600 au départ.",
    'With `on`: listen on this private address of the machine alone; "" for all of them.': (
        'Avec `on` : écoute sur cette seule adresse privée de la machine ; "" pour toutes.'
    ),
    "With `on`: do not mask meter and point of delivery.": (
        "Avec `on` : ne masque ni compteur ni point de livraison."
    ),
    "With `on`: do not ask.": "Avec `on` : ne demande pas.",
    "Serve a chip's line to the home network, for as long as its household has it repeated. A unit "
    "runs this on the socket by which the chip calls it. Without one it waits in the chip's "
    "directory, until it is stopped.": (
        "Sert la ligne d'un boîtier au réseau de la maison, tant que son foyer la fait répéter.\n\n"
        "Une unité le lance sur la prise par laquelle le boîtier l'appelle. Sans elle, il attend dans "
        "le répertoire du boîtier, jusqu'à ce qu'on l'arrête."
    ),
    "Show what your own smart home is told, begin to tell it, or have it forget everything. Nothing is "
    "told unless edge.toml names a broker of your home in the table [home] and you say so with --on. "
    "It is off again for each household that comes to this chip, and after a restore. Everybody on the "
    "home network who may read that broker then sees what the meter shows. The chip acts upon nothing "
    "that comes from there.": (
        "Montre ce qui est dit à votre maison connectée, commence à le lui dire, ou lui fait tout "
        "oublier.\n\nRien n'est dit tant qu'edge.toml ne nomme pas un serveur de votre maison dans la "
        "table [home] et que vous ne le voulez pas par --on. C'est éteint de nouveau pour chaque foyer "
        "qui vient à ce boîtier, et après une restauration. Quiconque peut lire ce serveur sur le réseau "
        "de la maison voit alors ce que montre le compteur. Le boîtier ne suit rien de ce qui en vient."
    ),
    "Tell the home's broker; asks first.": "Le dit au serveur de la maison ; demande d'abord.",
    "Show what goes out, and where; the default.": ("Montre ce qui part, et vers où ; par défaut."),
    "Tell it nothing any more and have it forget everything; asks first.": (
        "Ne lui dit plus rien et lui fait tout oublier ; demande d'abord."
    ),
    "With --on or --remove: do not ask.": "Avec --on ou --remove : ne demande pas.",
    # Texts of click itself.
    "Options": "Options",
    "Commands": "Commandes",
    "Usage:": "Usage :",
}
