"""The words of the first run, in French and English."""

from edge.language.typography import bilingual

FIRST_RUN_TEXTS = bilingual(
    fr={
        "not_enrolled": (
            "Ce boîtier n'est pas encore inscrit : rien n'est mesuré. Un visiteur avec tous les droits "
            "l'inscrit à /installation."
        ),
        "set_up": "Mise en service",
        "away_early": (
            "Cette page fonctionne, mais le programme du boîtier ne répond pas. À sa dernière réponse, ce "
            "boîtier n'était pas encore mis en service : rien n'était mesuré, et rien n'est perdu. "
            'Débranchez et rebranchez le boîtier, ou tapez-y `sudo systemctl start "volet-edge@$USER"` ; si '
            "vous l'avez démarré à la main, `volet edge run`. Cette page ne peut pas le démarrer ; la mise en service reprend alors où vous en étiez."
        ),
        "help_set_up": "La mise en service expliquée",
        "help_set_up_how": (
            "Un boîtier neuf lit d'abord le compteur, puis fait une demande, que vous donnez à la "
            "collectivité ; sa réponse l'inscrit. Avant cela, rien n'est mesuré et rien ne part."
        ),
        "help_offer": (
            "L'offre est un fichier que votre fournisseur signe : ses prix, sa puissance, son calendrier. "
            "Demandez-le-lui ; un PDF, un tarif ou une copie d'écran n'en est pas une. Sans offre, le boîtier "
            "compte, et aucune facture ne vient."
        ),
        "help_receipts": (
            "Un reçu dit à votre fournisseur qu'une facture est juste. Vous choisissez s'il n'apprend rien "
            "de plus, le total à payer, ou aussi les kWh de chaque ligne. Il n'apprend jamais votre courbe."
        ),
        "help_follow": (
            "Si les prix suivent les offres publiées, celles du même fournisseur qui prolongent la vôtre "
            "s'appliquent dès leur premier jour. Sinon vos prix restent ceux de l'offre que vous avez prise, "
            "jusqu'à sa fin."
        ),
        "help_collectivity": (
            "La collectivité inscrit le boîtier, transmet les relevés chiffrés et calcule sur eux sans les "
            "lire. Elle publie l'empreinte de son autorité : comparez-la avant d'installer sa réponse."
        ),
        "first_run_title": "Mettre votre boîtier en service",
        "first_run_how": (
            "Rien n'est encore mesuré, et rien ne part de chez vous. Vous pouvez vous arrêter à chaque "
            "étape et revenir : le boîtier reprend où vous en étiez."
        ),
        "first_run_next": "À faire maintenant",
        "first_run_line": "Relier le boîtier à la sortie TIC du compteur ; voyez l'étape 1.",
        "first_run_request": "Choisir un contrat, ou aucun, et faire la demande ; voyez l'étape 2.",
        "first_run_answer": (
            "Donner la demande à votre collectivité, puis prendre sa réponse ; voyez les étapes 3 et 4."
        ),
        "step_line": "1. La ligne du compteur",
        "line_found": (
            "Le compteur est lu. Comparez son numéro avec celui qui est inscrit dessus : si ce n'est pas "
            "lui, le boîtier est relié à un autre compteur."
        ),
        "line_lost": (
            "Le compteur a été lu : voici ce qu'il a dit en dernier. Maintenant, sa ligne n'est plus bonne ; "
            "voyez ci-dessous."
        ),
        "line_absent": (
            "Si cet appareil n'a jamais été là : la ligne à lire est `source` dans edge.toml ; `volet edge "
            "setup` dit, pour votre montage, laquelle c'est et comment la régler."
        ),
        "line_sought": (
            "Rien n'est encore lu. En dix secondes environ, le boîtier trouve la vitesse et le mode ; "
            "cette page cherche de nouveau quand vous la rechargez."
        ),
        "line_again": "Regarder de nouveau",
        "step_contract": "2. Le contrat et la demande",
        "step_contract_how": (
            "L'offre est le fichier signé que votre fournisseur vous donne. Sans offre, le boîtier compte "
            "et participe si vous le voulez, et aucune facture ne vient ; vous pourrez en prendre une plus "
            "tard."
        ),
        "offer_file": "Offre du fournisseur (facultatif)",
        "first_day": "Premier jour du contrat",
        "receipts_tell": "Ce que les reçus disent au fournisseur",
        "tell_nothing": "rien",
        "tell_total": "le total",
        "tell_lines": "le total et les kWh par ligne",
        "prices_are": "Les prix",
        "prices_follow": "suivent les offres publiées",
        "prices_how": (
            "Ils peuvent suivre les offres publiées qui prolongent celle-ci, ou rester ceux de cette offre."
        ),
        "prices_fixed": "restent ceux de cette offre",
        "request_see": "Voir la demande",
        "request_again": "Faire une autre demande",
        "request_again_how": (
            "La demande d'avant ne vaudra plus : jetez son fichier request.json, et donnez le nouveau à la "
            "collectivité. Une réponse à celle d'avant est refusée si son contrat est un autre."
        ),
        "request_title": "Faire cette demande ?",
        "request_yes": "Oui, faire la demande",
        "step_hand": "3. La demande à votre collectivité",
        "step_hand_how": (
            "Enregistrez la demande et donnez-la à la collectivité, comme elle le demande. Elle rend une "
            "réponse : un fichier aussi."
        ),
        "request_load": "Enregistrer la demande (request.json)",
        "request_none_yet": "La demande n'est pas encore faite.",
        "request_without": "Cette demande ne porte aucun contrat.",
        "step_answer": "4. La réponse de la collectivité",
        "step_answer_how": (
            "Le boîtier vérifie que la réponse est pour lui, et vous montre de qui elle vient avant de "
            "l'installer."
        ),
        "answer_file": "Réponse de la collectivité",
        "answer_see": "Voir la réponse",
        "choose_again": "Choisir de nouveau",
        "answer_missing": "Choisissez d'abord le fichier de la réponse.",
        "answer_title": "Installer cette réponse ?",
        "answer_means": (
            "Comparez l'empreinte de l'autorité avec celle que la collectivité publie ailleurs que dans "
            "cette réponse (son site, un courrier). C'est la seule chose que le boîtier ne peut pas vérifier "
            "pour vous. Si elle est autre, n'installez pas."
        ),
        "answer_collectivity": "Collectivité",
        "answer_device": "Nom de ce boîtier",
        "answer_authority": "Autorité (SHA-256)",
        "openssl_writes": "ou, comme openssl l'écrit :",
        "answer_yes": "Oui, l'empreinte est la même : installer",
        "first_run_done_title": "Votre boîtier est inscrit",
        "first_run_done_how": (
            "En quelques secondes, le boîtier se connecte à la collectivité. Le premier quart d'heure "
            "mesuré est là une demi-heure au plus après que le compteur est lu."
        ),
        "first_run_go": "Voir aujourd'hui",
        "first_run_back": "Non, revenir sans rien changer",
        "too_large": "Ce fichier est trop volumineux : 64 ko au plus ; choisissez celui qui est demandé.",
        "upload_cut": "L'envoi du fichier a été coupé, ou le fichier est illisible ; envoyez-le de nouveau.",
    },
    en={
        "not_enrolled": (
            "This chip is not enrolled yet: nothing is metered. A visitor who was let in to everything "
            "enrols it at /installation."
        ),
        "set_up": "Set up",
        "away_early": (
            "This page works, but the chip's program does not answer. When it last did, this chip was not set "
            "up yet: nothing was metered, and nothing is lost. Unplug the chip and plug it in again, or "
            'type there `sudo systemctl start "volet-edge@$USER"`; if you started it by hand, `volet edge '
            "run`. This page cannot start it; the set-up then goes on where you were."
        ),
        "help_set_up": "The set-up explained",
        "help_set_up_how": (
            "A new chip first reads the meter, then makes a request, which you hand to the collectivity; its "
            "answer enrols the chip. Before that nothing is metered and nothing leaves."
        ),
        "help_offer": (
            "The offer is a file that your provider signs: its prices, its power, its calendar. Ask your "
            "provider for it; a PDF, a tariff or a screenshot is none. Without an offer the chip meters, and "
            "no bill comes."
        ),
        "help_receipts": (
            "A receipt tells your provider that a bill is correct. You choose whether it learns nothing more, "
            "the total to pay, or the kWh of each line too. It never learns your curve."
        ),
        "help_follow": (
            "If prices follow listed offers, those of the same provider that extend yours apply from their "
            "first day on. Otherwise your prices stay those of the offer that you took, until it ends."
        ),
        "help_collectivity": (
            "The collectivity enrols the chip, passes encrypted readings on and computes on them without "
            "reading them. It publishes its authority's fingerprint: compare it before you install its answer."
        ),
        "first_run_title": "Set your chip up",
        "first_run_how": (
            "Nothing is metered yet, and nothing leaves your home. You can stop at each step and come back: "
            "the chip goes on where you were."
        ),
        "first_run_next": "What to do now",
        "first_run_line": "Connect the chip to the meter's TIC output; see step 1.",
        "first_run_request": "Choose a contract, or none, and make the request; see step 2.",
        "first_run_answer": (
            "Hand the request to your collectivity, then take its answer; see steps 3 and 4."
        ),
        "step_line": "1. The meter's line",
        "line_found": (
            "The meter is read. Compare its serial with the one that is printed on it: if it is another one, "
            "the chip is connected to another meter."
        ),
        "line_lost": (
            "The meter was read: this is what it said last. Its line is not good now; see below."
        ),
        "line_absent": (
            "If this device was never there: the line to read is `source` in edge.toml; `volet edge setup` "
            "says which one it is for your wiring, and how to set it."
        ),
        "line_sought": (
            "Nothing is read yet. The chip finds speed and mode in about ten seconds; this page looks again "
            "when you load it again."
        ),
        "line_again": "Look again",
        "step_contract": "2. The contract and the request",
        "step_contract_how": (
            "The offer is the signed file that your provider gives you. Without an offer the chip meters, "
            "and takes part if you want it to, and no bill comes; you can take one later."
        ),
        "offer_file": "The provider's offer (optional)",
        "first_day": "First day of the contract",
        "receipts_tell": "What receipts tell the provider",
        "tell_nothing": "nothing",
        "tell_total": "the total",
        "tell_lines": "the total and kWh by line",
        "prices_are": "Prices",
        "prices_follow": "follow listed offers",
        "prices_how": (
            "They may follow listed offers that extend this one, or stay those of this offer."
        ),
        "prices_fixed": "stay those of this offer",
        "request_see": "See the request",
        "request_again": "Make another request",
        "request_again_how": (
            "The earlier request is void then: throw its file request.json away, and hand the new one to "
            "the collectivity. An answer to the earlier one is refused if its contract is another one."
        ),
        "request_title": "Make this request?",
        "request_yes": "Yes, make the request",
        "step_hand": "3. The request to your collectivity",
        "step_hand_how": (
            "Save the request and hand it to the collectivity in the way that it asks for. It gives back an "
            "answer, which is a file too."
        ),
        "request_load": "Save the request (request.json)",
        "request_none_yet": "The request is not made yet.",
        "request_without": "This request holds no contract.",
        "step_answer": "4. The collectivity's answer",
        "step_answer_how": (
            "The chip checks that the answer is for it, and shows you whose it is before it installs it."
        ),
        "answer_file": "The collectivity's answer",
        "answer_see": "See the answer",
        "choose_again": "Choose again",
        "answer_missing": "Choose the file of the answer first.",
        "answer_title": "Install this answer?",
        "answer_means": (
            "Compare the authority's fingerprint with the one that the collectivity publishes elsewhere than "
            "in this answer (its site, a letter). This is the only thing that the chip cannot check for you. "
            "If it is another one, do not install it."
        ),
        "answer_collectivity": "Collectivity",
        "answer_device": "Name of this chip",
        "answer_authority": "Authority (SHA-256)",
        "openssl_writes": "or, as openssl writes it:",
        "answer_yes": "Yes, the fingerprint is the same: install it",
        "first_run_done_title": "Your chip is enrolled",
        "first_run_done_how": (
            "Within seconds the chip connects to the collectivity. The first metered quarter-hour is there "
            "half an hour at most after the meter is read."
        ),
        "first_run_go": "See today",
        "first_run_back": "No, go back and change nothing",
        "too_large": "This file is too large: 64 kB at most; choose the one that is asked for.",
        "upload_cut": "The upload was cut off, or the file cannot be read; send it again.",
    },
)
