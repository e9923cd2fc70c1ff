"""The words of the help, in French and English."""

from edge.language.typography import bilingual

HELP_TEXTS = bilingual(
    fr={
        "help_title": "Aide",
        "help_warning": "Pourquoi le navigateur avertit",
        "help_warning_how": (
            "Cette page vient du boîtier chez vous, et non d'Internet. Personne d'autre n'en garantit "
            "le certificat ; c'est pourquoi le navigateur avertit une fois. Comparez l'empreinte que "
            "le navigateur montre avec celle de `volet edge page --show`, tapé sur le boîtier : si "
            "elles sont égales, vous parlez bien à votre boîtier. C'est celle du certificat, SHA-256. "
            "Firefox l'écrit comme le boîtier ; Chrome et Edge en petites lettres et sans deux-points, ce "
            "qui n'y change rien."
        ),
        "help_what": "Ce que montre cette page",
        "help_what_how": (
            "« Aujourd'hui » montre votre compteur, « Ce qui est parti » montre les octets qui ont "
            "quitté votre foyer, « État » dit si tout va bien. Rien de cette page ne va ailleurs : elle "
            "ne charge rien d'Internet et, installée comme service, n'a pas d'accès au réseau : elle "
            "répond à qui vient, et ne peut rien appeler."
        ),
        "help_stop": "Comment arrêter",
        "help_stop_how": (
            "Le quartier seulement : « Ne plus participer », sous « Accords ». Tout : arrêtez le boîtier (`sudo systemctl "
            "stop 'volet-edge@*'`), et plus rien ne part ; le compteur continue, et votre fournisseur "
            "facture d'après ses index comme avant. Pour reprendre, sous votre nom : `sudo systemctl start "
            '"volet-edge@$USER"`. Partir pour de bon : `volet edge move-out`, puis '
            "`volet edge erase`, qui détruit clés et relevés ; `sudo volet software remove` enlève "
            "Volet de la machine."
        ),
        "help_meter": "Ce que Volet n'arrête pas",
        "help_meter_how": (
            "Le Linky parle toujours au gestionnaire du réseau (Enedis) par la ligne électrique : ses "
            "index chaque jour, et la courbe de charge si vous ne l'avez pas refusée. Vous pouvez la "
            "refuser sur votre compte Enedis ; Volet n'y ajoute rien et n'en retire rien."
        ),
        "help_correct": "Ce que veut dire « juste »",
        "help_correct_how": (
            "« Juste » ne dit pas que l'offre est bonne, ni que le compteur compte bien. « Ne concorde "
            "pas » : les quantités ou le montant ne sont pas ceux de votre compteur et de votre contrat ; "
            "la facture montre en quoi, et les montants affichés sont ceux de votre compteur : gardez-la en "
            "PDF et écrivez à votre fournisseur ; aucun reçu ne part d'elle. « Refusée » : le boîtier n'a "
            "pas ouvert ce relevé, et la facture dit pourquoi. « Réglée par une autre » : une autre "
            "facture compte les mêmes jours, et il n'y a rien à faire."
        ),
        "help_area": "Les chiffres du quartier et les garants",
        "help_area_how": (
            "Si vous le voulez, votre boîtier aide à mesurer ce que consomme le quartier entier. Les "
            "garants sont plusieurs organismes qui gardent chacun une part de la clé : ils promettent de "
            "n'ouvrir ensemble que la somme de beaucoup de foyers. Combien d'entre eux il faudrait pour "
            "tricher est écrit sous « Accords ». Vous participez après avoir comparé leur empreinte, là "
            "aussi, et l'avoir confirmée sur le boîtier. Ne pas participer ne change rien à vos factures. « Vie privée » "
            "montre ce que ces chiffres peuvent révéler de vous, et le plafond que vous y mettez."
        ),
        "help_epsilon": "Ce que veut dire ε",
        "help_epsilon_how": (
            "Chaque contribution au quartier porte du bruit, et coûte un peu d'ε ; les ε s'ajoutent au "
            "plus sur la période affichée. « Un jour plutôt qu'un autre » compare deux journées possibles "
            "chez vous ; « participer ou non » compare votre présence dans les chiffres à votre absence. "
            "La borne vaut quoi que l'on sache par ailleurs, sauf avec une probabilité δ d'un millionième. "
            "Au plafond, ce boîtier ne contribue plus. Sans participer, rien de plus "
            "n'est révélé."
        ),
        "help_more": "Tout ce que le boîtier sait faire : `volet edge --help`.",
    },
    en={
        "help_title": "Help",
        "help_warning": "Why the browser warns",
        "help_warning_how": (
            "This page comes from the chip in your home, not from the Internet. Nobody else vouches "
            "for its certificate, so the browser warns once. Compare the fingerprint that the browser "
            "shows with that of `volet edge page --show`, typed at the chip: if they are equal, you are "
            "talking to your own chip. It is the certificate's, SHA-256. Firefox writes it as the chip "
            "does; Chrome and Edge in small letters and without colons, which makes no difference."
        ),
        "help_what": "What this page shows",
        "help_what_how": (
            "“Today” shows your meter, “What left the home” the bytes that left it, and “State” "
            "whether all is well. Nothing of this page goes elsewhere: it loads nothing from the "
            "Internet and, installed as a service, has no access to the network: it answers who comes, "
            "and can call nobody."
        ),
        "help_stop": "How to stop it",
        "help_stop_how": (
            "The neighbourhood alone: *Take part no longer*, under *Agreements*. All of it: stop the chip (`sudo systemctl "
            "stop 'volet-edge@*'`), and nothing leaves any more; the meter goes on, and your provider "
            "bills by its indices as before. To go on, as yourself: `sudo systemctl start "
            '"volet-edge@$USER"`. To leave for good: `volet edge move-out`, then '
            "`volet edge erase`, which destroys keys and readings; `sudo volet software remove` takes "
            "Volet off the machine."
        ),
        "help_meter": "What Volet does not stop",
        "help_meter_how": (
            "The Linky goes on talking to the grid operator (Enedis) by power line: its indices each "
            "day, and the load curve unless you have refused it. You can refuse it in your account at "
            "Enedis; Volet adds nothing to it and takes nothing away."
        ),
        "help_correct": "What “correct” means",
        "help_correct_how": (
            "“Correct” does not say that the offer is a good one, nor that the meter counts right. “Does "
            "not agree”: quantities or amount are not those of your meter and your contract; the bill "
            "shows how, and the amounts shown are your meter's: keep it as PDF and write to your provider; no "
            "receipt leaves for it. “Refused”: the chip did not open that statement, and the bill says "
            "why. “Settled by another”: another bill counts the same days, and nothing is to be done."
        ),
        "help_area": "The neighbourhood's figures and the trustees",
        "help_area_how": (
            "If you wish, your chip helps to measure what the whole neighbourhood uses. The trustees are "
            "several bodies that keep a share of the key each: they promise to open only the sum of many "
            "homes together. How many of them it would take to cheat is under Agreements. You take part "
            "once you have compared their fingerprint, there too, and confirmed it at the chip. Taking no "
            "part changes nothing of your bills. "
            "*Privacy* shows what these figures can reveal of you, and the cap that you set to it."
        ),
        "help_epsilon": "What ε means",
        "help_epsilon_how": (
            "Each contribution to the neighbourhood carries noise, and costs a little ε; over the period "
            "that is shown, the ε add up at most. “One day rather than another” compares two days that "
            "your home could have had; “taking part or not” compares figures with you and without you. "
            "The bound holds whatever else anybody knows, but for a probability δ of a millionth. At the "
            "cap this chip contributes nothing more. Without taking part nothing more is "
            "revealed."
        ),
        "help_more": "Everything that the chip can do: `volet edge --help`.",
    },
)
