"""The words of the page, in French and English."""

from edge.household.contract_words import CONTRACT_WORDS
from edge.language.choice import Lang
from edge.language.typography import bilingual
from edge.page.change_texts import CHANGE_TEXTS
from edge.page.contract_texts import CONTRACT_TEXTS
from edge.page.first_run_texts import FIRST_RUN_TEXTS
from edge.page.help_texts import HELP_TEXTS
from edge.page.moving_texts import MOVING_TEXTS
from edge.page.neighbourhood_texts import NEIGHBOURHOOD_TEXTS
from edge.page.sent_texts import SENT_TEXTS

_SHOWN = bilingual(
    fr={
        "name": "Votre boîtier Volet",
        "skip": "Aller au contenu",
        "menu": "Pages",
        "today": "Aujourd'hui",
        "shared": "Ce qui est parti",
        "budget": "Vie privée",
        "bills": "Factures",
        "letters": "Lettres",
        "offers": "Offres",
        "agreements": "Accords",
        "state": "État",
        "help": "Aide",
        "leave": "Se déconnecter",
        "other_language": "English",
        "so_far": "{energy} jusqu'ici",
        "not_metered": "Rien n'a été mesuré",
        "last_day": "Le {day} : {energy}",
        "no_day": "Aucun jour n'est encore clos.",
        "now": "En ce moment",
        "nothing_live": "Rien n'arrive du compteur.",
        "injected": "injecté : {power}",
        "period": "période : {register}",
        "line": "Liaison au compteur",
        "city": "Collectivité",
        "waiting": "À faire",
        "nothing_waits": "Rien.",
        "notices": "À savoir",
        "curve": "Puissance moyenne par quart d'heure, le {day}",
        "times": "Toutes les heures de cette page sont celles de la France (heure de Paris).",
        "as_table": "Les mêmes valeurs en tableau",
        "from": "De",
        "to": "à",
        "energy": "Énergie",
        "unknown": "inconnue",
        "estimated": "estimée",
        "has_left": "Ce foyer a déménagé ; le boîtier ne mesure plus pour lui.",
        "shared_title": "Ce qui est parti de chez vous pour le {day}",
        "before": "Jour précédent",
        "after": "Jour suivant",
        "choose_day": "Jour",
        "show": "Afficher",
        "meter_said": "Ce que dit votre compteur",
        "meter_said_how": "Ceci reste chez vous. La page vous le montre à vous seul.",
        "what_left": "Ce qui est parti",
        "none_left": "Rien n'est encore parti pour ce jour.",
        "what_left_how": (
            "Voici les octets, tels qu'ils sont partis. Ils ressemblent à du bruit, car ils sont "
            "chiffrés : seule la clé de ce boîtier peut les ouvrir, et elle ne le quitte pas. La "
            "collectivité les garde et calcule avec, sans pouvoir les lire."
        ),
        "block": "Bloc {sequence}, {size} octets",
        "block_values": "valeurs de {first} à {last}",
        "block_closing": "index de fin de journée",
        "stored": "reçu par la collectivité",
        "on_its_way": "pas encore reçu par la collectivité",
        "more_blocks": "{count} autres blocs",
        "bytes_gone": "Ces octets ont été supprimés ici.",
        "more_bytes": "… et {count} octets de plus",
        "area": "Pour les chiffres du quartier",
        "no_contribution": "Rien n'est parti pour les chiffres du quartier ce jour-là.",
        "contribution": "Une contribution : {state}.",
        "contribution_how": (
            "Elle porte du bruit, tiré ici avant l'envoi, et n'est ouverte que dans une somme avec "
            "beaucoup d'autres foyers. Ce qu'elle révèle de vous est borné par ε = {epsilon} "
            "(δ = 10⁻⁶)."
        ),
        "who": "Qui peut ouvrir quoi",
        "who_curve": "Votre courbe",
        "who_curve_who": "vous seul, ici",
        "who_bill": "Votre facture",
        "who_bill_who": (
            "vous seul ; la collectivité la calcule chiffrée, et votre fournisseur en reçoit ce que "
            "votre accord prévoit"
        ),
        "who_area": "Votre contribution au quartier",
        "who_area_who": (
            "personne à elle seule : les garants n'ouvrent que la somme, bruit compris"
        ),
        "who_fact": "Que ce boîtier envoie, et quand",
        "who_fact_who": "la collectivité",
        "budget_title": "Ce que les chiffres du quartier ont coûté à votre vie privée",
        "budget_part": "Participation",
        "spent": "Part du plafond dépensée",
        "spent_of_cap": "{share} du plafond",
        "spent_in": "Période",
        "spent_replaced": "ε, un jour plutôt qu'un autre",
        "spent_epsilon": "ε, participer ou non",
        "epsilon_means": (
            "ε (epsilon) mesure ce que les chiffres publiés peuvent révéler de vous au plus : à 0, rien ; "
            "à 1, qui devine vos journées a raison avec une cote jusqu'à 2,7 fois meilleure, et chaque "
            "unité de plus multiplie encore cette cote par 2,7."
        ),
        "epsilon_more": "Plus sur ε",
        "next_day": "Un jour de plus",
        "spent_means": "Ce que cela veut dire",
        "named": "{name} : {value}",
        "bills_title": "Vos factures, vérifiées par votre boîtier",
        "no_bill": "Aucune facture n'est encore arrivée.",
        "next_bill": "Pour quand la prochaine est attendue, voyez",
        "last_bill": "Dernière facture :",
        "wrong_bills": "Factures qui ne sont pas justes : {count}. Ce qui diffère et quoi faire est sous",
        "differs_next": (
            "Gardez cette facture en PDF et écrivez à votre fournisseur ce qui diffère. Aucun reçu ne part "
            "d'elle."
        ),
        "bill_list": "Factures arrivées",
        "bill_period": "Période",
        "bill_total": "Total TTC",
        "bill_verdict": "Verdict",
        "bill_receipt": "Reçu",
        "from_to": "du {first} au {last}",
        "verdict_correct": "juste",
        "verdict_differs": "ne concorde pas",
        "verdict_refused": "refusée",
        "settled": "réglée par une autre",
        "correct_means": (
            "« Juste » veut dire que votre boîtier a comparé les quantités avec ce qu'il a lu lui-même à "
            "votre compteur, et calculé le montant lui-même avec les prix de votre contrat."
        ),
        "correct_more": "Plus sur « juste »",
        "this_bill": "Facture {period}",
        "bill_pdf": "Cette facture en PDF",
        "bill_pdf_how": (
            "Le boîtier la met en page pour vous ; cela prend quelques secondes. Elle montre les totaux, "
            "et rien des jours : vous pouvez la montrer."
        ),
        "bill_file": "facture",
        "bill_busy_title": "Réessayez dans un instant",
        "bill_busy": (
            "Le boîtier met d'autres factures en page, une à la fois. Rien n'est perdu ; demandez de "
            "nouveau celle-ci."
        ),
        "letters_title": "Ce que vos fournisseurs vous écrivent",
        "letters_how": (
            "Ces messages sont chiffrés pour votre foyer : ni la collectivité qui les porte, ni personne "
            "d'autre en chemin ne peut les lire. Votre boîtier les ouvre ici."
        ),
        "no_letter": "Aucun message n'est encore arrivé.",
        "letter": "{provider}, le {day}",
        "older_letters": "Plus anciens, lisibles sur le boîtier (`volet edge letters`) : {count}.",
        "own_curve": "Vos données",
        "curve_file": "courbe",
        "own_curve_title": "Votre courbe, gardée chez vous",
        "take_curve": "En prendre une copie",
        "take_curve_how": (
            "Tout ce qui est gardé, dans le format où Enedis livre une courbe de charge : la puissance "
            "moyenne de chaque quart d'heure, en watts, à l'instant où il finit. Le fichier ne nomme ni "
            "vous ni votre compteur, mais qui le lit voit quand vous étiez chez vous."
        ),
        "keep_curve": "Combien de temps la garder",
        "keep_months": "Mois gardés",
        "keep_curve_do": "Choisir",
        "offers_title": "Les offres, comparées par votre boîtier",
        "offers_how": (
            "Personne d'autre ne sait que vous avez regardé : ouvrir cette page n'envoie rien. Votre "
            "boîtier a ouvert lui-même la réponse à une question que tous posent chaque mois, et lui "
            "seul connaît ces montants."
        ),
        "provider": "Fournisseur",
        "offer_total": "Total TTC",
        "difference": "Écart avec le vôtre",
        "own_offer": "votre contrat",
        "estimate": "estimation",
        "list_age": "Liste des offres",
        "list_of": "{count} documents, le plus récent du {day}",
        "list_missing": " ; {count} ne sont pas encore arrivés",
        "no_list": "pas encore arrivée",
        "asked_at": "Comparaison demandée",
        "unquoted": "Offres sans comparaison",
        "more_offers": "D'autres sont sur le boîtier (`volet edge quotes`) : {count}.",
        "offers_take": (
            "Comparer n'engage à rien. Pour prendre une offre, demandez à son fournisseur le fichier "
            "signé, et donnez-le sous"
        ),
        "agreements_title": "Ce que vous avez accordé, et qui le voit",
        "contracts": "Contrats et reçus",
        "no_contract": "Ce boîtier n'a aucun contrat : il compte, et aucune facture ne vient.",
        "contract_standing": "Valable",
        "contract_in_force": "en vigueur",
        "contract_to_come": "à venir",
        "contract_ended": "terminé",
        "contract_asked": "demandé, sans réponse encore",
        "who_contract": (
            "Votre fournisseur et la collectivité voient l'offre, les jours et vos choix ; du numéro "
            "du compteur, seulement une empreinte. Votre courbe, personne. Un reçu est chiffré pour "
            "votre fournisseur : la collectivité voit qu'il passe, et rien de ce qu'il dit."
        ),
        "area_part": "Chiffres du quartier",
        "taking_part": "Participation",
        "profile": "Qui habite ici",
        "no_profile": "Ce boîtier n'en dit rien.",
        "groups": "Vos groupes",
        "who_part": (
            "La collectivité voit si vous participez. Une contribution à elle seule, personne : les "
            "garants n'ouvrent que la somme, bruit compris. Qui habite ici ne part que dans une telle "
            "somme, ou pas du tout."
        ),
        "trustees": "Garants",
        "no_trustees": (
            "Aucun garant n'est encore arrivé ; le boîtier les demande quand il est connecté."
        ),
        "fingerprint": "Empreinte {fingerprint}",
        "shape": "{shape} pour ouvrir, depuis le {day}",
        "who_trustees": (
            "Qui sont les garants est public : comparez l'empreinte avec celle que chacun d'eux publie. "
            "Que vous les avez confirmés, la collectivité et eux le voient à ce que vous participez."
        ),
        "change_trustees": (
            "Pour les confirmer, tapez sur le boîtier, avec l'empreinte que vous avez comparée : `volet "
            "edge trustees --confirm 'EMPREINTE'`. Dès lors votre foyer participe aux chiffres du "
            "quartier, sauf si vous avez choisi de ne pas participer, ci-dessus."
        ),
        "state_title": "État de votre boîtier",
        "sessions": "Qui est connecté à cette page",
        "since": "Depuis",
        "seen": "Vu",
        "browser": "Navigateur",
        "browser_on": "{browser} sur {system}",
        "role": "Droits",
        "owner": "tout",
        "viewer": "la courbe seulement",
        "this_one": "cette session",
        "end": "Mettre fin",
        "enter_title": "Entrer",
        "enter_how": (
            "Cette page n'est que pour votre foyer. Sur le boîtier (avec un écran et un clavier, ou par "
            "`ssh` depuis un ordinateur), tapez `volet edge page --pair`, puis ici le code de 8 chiffres "
            "qui s'affiche. Il vaut 5 minutes, et une seule fois."
        ),
        "code": "Code de 8 chiffres",
        "enter": "Entrer",
        "by_button": "Ou par le bouton du boîtier",
        "by_button_how": (
            "Vous êtes près du boîtier : demandez ici un nombre, puis tenez le bouton trois secondes "
            "quand le voyant du foyer fait ce nombre d'éclats."
        ),
        "knock": "Demander un nombre",
        "knock_title": "Comptez les éclats du voyant",
        "knock_how": (
            "Si le voyant du foyer fait ce nombre d'éclats, tenez le bouton trois secondes : vous "
            "entrez ici. S'il en fait un autre, c'est quelqu'un d'autre qui attend : n'appuyez pas. "
            "Ce nombre vaut une minute."
        ),
        "look_again": "Voir si le bouton a été tenu",
        "code_shape": "Le code a 8 chiffres.",
        "session_ended": "Votre session est terminée ; entrez de nouveau.",
        "not_let_in": (
            "Personne ne vous a laissé entrer, ou votre session est terminée : tapez `volet edge page "
            "--pair` sur le boîtier, et envoyez le code à /entrer."
        ),
        "away_title": "Le boîtier ne répond pas",
        "away": (
            "Cette page fonctionne, mais le programme du boîtier ne répond pas. Les index "
            "du compteur avancent quand même, donc aucune facture n'en sera fausse ; mais rien n'est "
            "mesuré tant qu'il est arrêté. Si vous l'avez arrêté, démarrez-le, sur lui : `sudo "
            'systemctl start "volet-edge@$USER"`, ou `volet edge run` s\'il tournait à la main ; cette page '
            "ne le peut pas. Sinon, s'il ne répond pas dans une minute, débranchez et rebranchez le boîtier, "
            "puis voyez, sur lui : `volet edge status`."
        ),
        "missing_title": "Cette page n'existe pas",
        "refused_title": "Cela n'est pas possible",
        "owners_title": "Cette page n'est que pour le foyer",
        "owners": (
            "Vous êtes entré pour voir la courbe seulement. Factures, lettres, offres et accords ne se "
            "montrent qu'à qui entre avec tous les droits : `volet edge page --pair`, tapé sur le "
            "boîtier, sans `--viewer`."
        ),
        "not_kept": (
            "Le disque du boîtier ne se laisse pas écrire. Cette session est terminée, mais peut revenir "
            "quand la page redémarre : réparez le disque, puis mettez-y fin de nouveau."
        ),
        "form_old": "Ce formulaire vient d'une autre visite ; ouvrez la page de nouveau.",
        "back": "Retour à la première page",
        "back_to": "Retour à la page",
        "area_more": "Quartier, garants et vie privée expliqués",
    },
    en={
        "name": "Your Volet chip",
        "skip": "Skip to the content",
        "menu": "Pages",
        "today": "Today",
        "shared": "What left the home",
        "budget": "Privacy",
        "bills": "Bills",
        "letters": "Letters",
        "offers": "Offers",
        "agreements": "Agreements",
        "state": "State",
        "help": "Help",
        "leave": "Log out",
        "other_language": "Français",
        "so_far": "{energy} so far",
        "not_metered": "Nothing was metered",
        "last_day": "On {day}: {energy}",
        "no_day": "No day is closed yet.",
        "now": "Right now",
        "nothing_live": "Nothing comes from the meter.",
        "injected": "injected: {power}",
        "period": "period: {register}",
        "line": "Line to the meter",
        "city": "City",
        "waiting": "What to do",
        "nothing_waits": "Nothing.",
        "notices": "Notices",
        "curve": "Mean power of each quarter-hour on {day}",
        "times": "All times on this page are French local time (Paris).",
        "as_table": "The same values as a table",
        "from": "From",
        "to": "to",
        "energy": "Energy",
        "unknown": "not known",
        "estimated": "estimated",
        "has_left": "This household has moved out; the chip no longer meters for it.",
        "shared_title": "What left your home for {day}",
        "before": "Day before",
        "after": "Day after",
        "choose_day": "Day",
        "show": "Show",
        "meter_said": "What your meter said",
        "meter_said_how": "This stays in your home. The page shows it to you alone.",
        "what_left": "What left",
        "none_left": "Nothing encrypted has left for this day yet.",
        "what_left_how": (
            "These are the bytes as they left. They look like noise because they are encrypted: only "
            "this chip's key can open them, and it never leaves the chip. The city stores them and "
            "computes with them, and cannot read them."
        ),
        "block": "Block {sequence}, {size} bytes",
        "block_values": "values from {first} to {last}",
        "block_closing": "indices at the end of the day",
        "stored": "the city has it",
        "on_its_way": "the city does not have it yet",
        "more_blocks": "{count} more blocks",
        "bytes_gone": "These bytes have been deleted here.",
        "more_bytes": "… and {count} bytes more",
        "area": "For the figures of the neighbourhood",
        "no_contribution": "Nothing left for the figures of the neighbourhood on that day.",
        "contribution": "One contribution: {state}.",
        "contribution_how": (
            "It carries noise, drawn here before it left, and is opened only in a sum with many other "
            "homes. What it reveals of you is bounded by ε = {epsilon} (δ = 10⁻⁶)."
        ),
        "who": "Who can open what",
        "who_curve": "Your curve",
        "who_curve_who": "you alone, here",
        "who_bill": "Your bill",
        "who_bill_who": (
            "you alone; the city computes it encrypted, and your provider gets of it what you have "
            "agreed to"
        ),
        "who_area": "Your contribution to the neighbourhood",
        "who_area_who": "nobody on its own: the trustees open the sum only, noise included",
        "who_fact": "That this chip sends, and when",
        "who_fact_who": "the city",
        "budget_title": "What the neighbourhood's figures have cost in privacy",
        "budget_part": "Taking part",
        "spent": "Share of the cap that is spent",
        "spent_of_cap": "{share} of the cap",
        "spent_in": "Period",
        "spent_replaced": "ε, one day rather than another",
        "spent_epsilon": "ε, taking part or not",
        "epsilon_means": (
            "ε (epsilon) measures what the published figures can reveal of you at most: at 0 nothing; at "
            "1 whoever guesses your days is right at odds up to 2.7 times better, and each further 1 "
            "multiplies them by 2.7 again."
        ),
        "epsilon_more": "More on ε",
        "next_day": "One more day",
        "spent_means": "What this means",
        "named": "{name}: {value}",
        "bills_title": "Your bills, checked by your own chip",
        "no_bill": "No bill has arrived yet.",
        "next_bill": "When the next one is expected is under",
        "last_bill": "Last bill:",
        "wrong_bills": "Bills that are not correct: {count}. What differs and what to do is under",
        "differs_next": (
            "Keep this bill as PDF, and write to your provider what differs. No receipt leaves for it."
        ),
        "bill_list": "Bills that have arrived",
        "bill_period": "Period",
        "bill_total": "Total",
        "bill_verdict": "Verdict",
        "bill_receipt": "Receipt",
        "from_to": "{first} to {last}",
        "verdict_correct": "correct",
        "verdict_differs": "does not agree",
        "verdict_refused": "refused",
        "settled": "settled by another",
        "correct_means": (
            "“Correct” means that your chip compared the quantities with what it read from your meter "
            "itself, and worked out the amount itself from the prices of your contract."
        ),
        "correct_more": "More on “correct”",
        "this_bill": "Bill for {period}",
        "bill_pdf": "This bill as PDF",
        "bill_pdf_how": (
            "The chip lays it out for you, which takes a few seconds. It shows totals and nothing of "
            "single days, so you can show it."
        ),
        "bill_file": "bill",
        "bill_busy_title": "Try again in a moment",
        "bill_busy": (
            "The chip lays out other bills, one at a time. Nothing is lost; ask for this one again."
        ),
        "letters_title": "What your providers write to you",
        "letters_how": (
            "These messages are encrypted for your household: neither the city that carries them nor "
            "anybody else on the way can read them. Your chip opens them here."
        ),
        "no_letter": "No message has arrived yet.",
        "letter": "{provider}, {day}",
        "older_letters": "Older ones, to be read at the chip (`volet edge letters`): {count}.",
        "own_curve": "Your data",
        "curve_file": "load-curve",
        "own_curve_title": "Your curve, kept at home",
        "take_curve": "Take a copy",
        "take_curve_how": (
            "All that is kept, as Enedis lays out a load curve: the mean power of each quarter-hour in "
            "watts, at the instant at which it ends. The file names neither you nor your meter, but "
            "whoever reads it sees when you were at home."
        ),
        "keep_curve": "For how long to keep it",
        "keep_months": "Months kept",
        "keep_curve_do": "Keep that many",
        "offers_title": "The offers, compared by your chip",
        "offers_how": (
            "Nobody else knows that you looked: opening this page sends nothing. Your chip has itself "
            "opened the answer to a question that every chip asks each month, and it alone knows these "
            "amounts."
        ),
        "provider": "Provider",
        "offer_total": "Total",
        "difference": "Compared with yours",
        "own_offer": "your contract",
        "estimate": "estimate",
        "list_age": "List of offers",
        "list_of": "{count} documents, the newest of {day}",
        "list_missing": "; {count} have not arrived yet",
        "no_list": "not here yet",
        "asked_at": "Comparison asked for",
        "unquoted": "Offers without a comparison",
        "more_offers": "More are on the chip (`volet edge quotes`): {count}.",
        "offers_take": (
            "Comparing binds you to nothing. To take an offer, ask its provider for the signed file, and "
            "give it under"
        ),
        "agreements_title": "What you have agreed to, and who sees it",
        "contracts": "Contracts and receipts",
        "no_contract": "This chip has no contract: it meters, and no bill comes.",
        "contract_standing": "Holds",
        "contract_in_force": "in force",
        "contract_to_come": "to come",
        "contract_ended": "ended",
        "contract_asked": "asked for, not answered yet",
        "who_contract": (
            "Your provider and the city see the offer, the days and your choices; of the meter's "
            "number a hash only. Your curve, nobody. A receipt is encrypted for your provider: the city "
            "sees that it passes, and nothing of what it says."
        ),
        "area_part": "Figures of the neighbourhood",
        "taking_part": "Taking part",
        "profile": "Who lives here",
        "no_profile": "This chip says nothing of it.",
        "groups": "Your groups",
        "who_part": (
            "The city sees whether you take part. A contribution on its own, nobody: the trustees open "
            "the sum only, noise included. Who lives here leaves in such a sum, or not at all."
        ),
        "trustees": "Trustees",
        "no_trustees": (
            "No set of trustees has arrived yet; the chip asks for it when it is connected."
        ),
        "fingerprint": "Fingerprint {fingerprint}",
        "shape": "{shape} to open, from {day}",
        "who_trustees": (
            "Who the trustees are is public: compare the fingerprint with the one that each of them "
            "publishes. That you have confirmed them, the city and they see by your taking part."
        ),
        "change_trustees": (
            "To confirm them, type at the chip, with the fingerprint that you have compared: `volet edge "
            "trustees --confirm 'FINGERPRINT'`. From then on your home takes part in the neighbourhood's "
            "figures, unless you have chosen to take no part, above."
        ),
        "state_title": "State of your chip",
        "sessions": "Who is logged in to this page",
        "since": "Since",
        "seen": "Last seen",
        "browser": "Browser",
        "browser_on": "{browser} on {system}",
        "role": "May see",
        "owner": "everything",
        "viewer": "the curve only",
        "this_one": "this session",
        "end": "End",
        "enter_title": "Enter",
        "enter_how": (
            "This page is for your household alone. At the chip (with a screen and a keyboard, or by "
            "`ssh` from a computer) type `volet edge page --pair`, then here the code of 8 digits that it "
            "shows. It holds for 5 minutes, and once."
        ),
        "code": "Code of 8 digits",
        "enter": "Enter",
        "by_button": "Or by the chip's button",
        "by_button_how": (
            "You are at the chip: ask for a number here, then hold the button for three seconds when "
            "the home light flashes that many times."
        ),
        "knock": "Ask for a number",
        "knock_title": "Count the flashes of the light",
        "knock_how": (
            "If the home light flashes that many times, hold the button for three seconds, and you "
            "enter here. If it is another number, somebody else is waiting: do not press. The number "
            "holds for a minute."
        ),
        "look_again": "See whether the button was held",
        "code_shape": "The code has 8 digits.",
        "session_ended": "Your session has ended; enter again.",
        "not_let_in": (
            "Nobody has let you in, or your session has ended: type `volet edge page --pair` at the "
            "chip, and send the code to /entrer."
        ),
        "away_title": "The chip does not answer",
        "away": (
            "This page works, but the chip's program does not answer. The meter's indices "
            "go on, so no bill will be wrong by it; but nothing is metered while the chip is stopped. If you "
            'have stopped it, start it there: `sudo systemctl start "volet-edge@$USER"`, or `volet edge '
            "run` if it was started by hand; this page cannot. Otherwise, if it does not answer in a minute, "
            "unplug the chip and plug it in again, then look there: `volet edge status`."
        ),
        "missing_title": "There is no such page",
        "refused_title": "This cannot be done",
        "owners_title": "This page is for the household alone",
        "owners": (
            "You were let in to see the curve only. Bills, letters, offers and contracts are shown to "
            "those who may see everything: type `volet edge page --pair` at the chip, without "
            "`--viewer`."
        ),
        "not_kept": (
            "The chip's disk cannot be written. This session has ended, but may come back when the page "
            "starts again: mend the disk, then end it once more."
        ),
        "form_old": "This form is of another visit; open the page once more.",
        "back": "Back to the first page",
        "back_to": "Back to",
        "area_more": "Neighbourhood, trustees and privacy explained",
    },
)

TEXTS = {
    lang: _SHOWN[lang]
    | CHANGE_TEXTS[lang]
    | CONTRACT_TEXTS[lang]
    | CONTRACT_WORDS[lang]
    | FIRST_RUN_TEXTS[lang]
    | HELP_TEXTS[lang]
    | MOVING_TEXTS[lang]
    | NEIGHBOURHOOD_TEXTS[lang]
    | SENT_TEXTS[lang]
    for lang in Lang
}


def texts_in_each(name: str) -> dict[Lang, str]:
    """Return a text in each language."""
    return {lang: TEXTS[lang][name] for lang in Lang}
