"""The words of what the page can change, in French and English."""

from edge.language.typography import bilingual

CHANGE_TEXTS = bilingual(
    fr={
        "change_nothing": "Non, ne rien changer",
        "back_to_page": "Retour à la page",
        "odd_form": "Ce formulaire n'est pas rempli comme il faut ; revenez en arrière et corrigez-le.",
        "take_part_title": "Participer aux chiffres du quartier ?",
        "take_part_means": (
            "Chaque jour, une contribution partira de chez vous : la courbe de la journée, bruitée ici "
            "avant l'envoi et chiffrée, que les garants n'ouvrent que dans une somme avec beaucoup "
            "d'autres. La collectivité voit que vous participez. Ce qui est parti ne revient pas ; "
            "vous pouvez arrêter chaque jour."
        ),
        "take_part_yes": "Oui, participer",
        "take_part_do": "Participer",
        "take_part_done": "C'est fait : ce foyer veut participer",
        "stop_part_title": "Ne plus participer ?",
        "stop_part_means": (
            "Plus aucune contribution ne partira, et celles qui attendent seront supprimées. Ce qui est "
            "parti reste dans les sommes. Les factures continuent. La collectivité voit que vous ne "
            "participez plus."
        ),
        "stop_part_yes": "Oui, arrêter",
        "stop_part_do": "Ne plus participer",
        "never_part_do": "Ne pas participer, même plus tard",
        "stop_part_done": "C'est fait : ce foyer ne participe pas",
        "say_who": "Dire qui habite ici",
        "say_who_how": (
            "Ces nombres comptent dans les chiffres du quartier, et jamais seuls : ils ne partent que "
            "bruités, dans une somme, au plus quelques jours par an."
        ),
        "aged": "{band} ans",
        "employed": "dont ont un emploi",
        "persons": "Personnes par âge",
        "say_who_do": "Continuer",
        "set_profile_title": "Dire cela de qui habite ici ?",
        "set_profile_means": (
            "Votre boîtier le garde et ne le montre qu'à vous. Rien n'en part maintenant ; les jours où "
            "le quartier le compte, cela part bruité et chiffré, dans une somme."
        ),
        "set_profile_yes": "Oui, c'est bien cela",
        "set_profile_done": "C'est fait : votre boîtier sait qui habite ici",
        "forget_do": "Oublier qui habite ici",
        "forget_profile_title": "Oublier qui habite ici ?",
        "forget_profile_means": (
            "Le boîtier supprime ces nombres. Ce qui est parti dans des sommes y reste."
        ),
        "forget_profile_yes": "Oui, oublier",
        "forget_profile_done": "C'est fait : c'est oublié",
        "cap": "Ce qu'une année peut coûter",
        "cap_how": (
            "Quand le plafond est atteint, plus rien ne part pour le quartier jusqu'à l'année suivante, "
            "et les factures continuent."
        ),
        "cap_share": "Part du plafond prévu",
        "cap_do": "Continuer",
        "cap_year_title": "Changer ce qu'une année peut coûter ?",
        "cap_year_means": (
            "Le plafond de l'année devient {share} de celui qui est prévu. Rien ne part de chez vous pour cela. S'il est "
            "atteint, votre part au quartier s'arrête jusqu'à l'an prochain."
        ),
        "cap_year_yes": "Oui, ce plafond",
        "cap_year_done": "C'est fait : le plafond d'une année est {share} de celui qui est prévu",
        "ask_quotes_do": "Demander de nouveaux devis",
        "ask_quotes_title": "Demander de nouveaux devis ?",
        "ask_quotes_means": (
            "Une question partira de chez vous, à un moment tiré au sort d'ici 2 à 12 heures. Elle est la "
            "même pour tous les foyers et ne dit rien de vous, sauf qu'elle a été posée."
        ),
        "ask_quotes_yes": "Oui, demander",
        "ask_quotes_done": "C'est fait : la question est prête à partir",
        "keep_months_title": "Garder {months} mois de votre courbe ?",
        "keep_months_means": (
            "Rien n'est supprimé pour cela. Les quarts d'heure restent plus longtemps sur ce boîtier, et "
            "qui vole sa carte les lit. Rien ne part de chez vous."
        ),
        "keep_months_yes": "Oui, en garder autant",
        "keep_months_done": "C'est fait : {months} mois de votre courbe sont gardés",
        "keep_fewer_how": (
            "Moins de mois suppriment des quarts d'heure, sans retour : le bouton du boîtier doit alors le "
            "confirmer. Sans bouton, tapez sur le boîtier `volet edge curve --keep MOIS`."
        ),
        "keep_fewer_title": "Ne garder que {months} mois de votre courbe ?",
        "keep_fewer_means": (
            "Les quarts d'heure plus anciens que {months} mois et une semaine, s'il y en a, seront "
            "supprimés de ce boîtier à la fin de la journée, sans retour ; les autres restent, et qui "
            "vole sa carte les lit. Rien ne part de chez vous pour cela. Après ce oui, il faut encore "
            "tenir le bouton du boîtier trois secondes."
        ),
        "keep_fewer_yes": "Oui, demander au boîtier",
        "keep_fewer_done": "C'est demandé : le boîtier attend son bouton",
        "keep_asked": (
            "Le boîtier attend jusqu'au {until} : tenez son bouton trois secondes pour ne garder que "
            "{months} mois. Si vous ne le voulez plus, ne touchez à rien."
        ),
        "repeater": "La ligne sur le réseau de la maison",
        "repeater_how": (
            "Si un autre programme de la maison (linkytic, evcc) lisait le compteur lui-même, le boîtier "
            "peut lui répéter la ligne. Sans cela, laissez-la."
        ),
        "repeat_line_do": "Répéter la ligne",
        "repeat_line_title": "Répéter la ligne sur le réseau de la maison ?",
        "repeat_line_means": (
            "Quiconque est sur ce réseau pourra lire ce que le compteur envoie, chaque seconde : toute "
            "votre courbe, et quand vous êtes chez vous. Il n'y a pas de mot de passe. D'autres numéros "
            "y remplacent ceux du compteur et du point de livraison. Rien ne part de chez vous pour "
            "cela, et vous pouvez l'arrêter ; ce qui a été lu reste lu."
        ),
        "repeat_line_yes": "Oui, la répéter",
        "repeat_line_done": "C'est fait : la ligne est répétée",
        "repeat_end_do": "Ne plus la répéter",
        "repeat_end_title": "Ne plus répéter la ligne ?",
        "repeat_end_means": (
            "Les programmes qui la lisent ne reçoivent plus rien. Les relevés du boîtier continuent."
        ),
        "repeat_end_yes": "Oui, ne plus la répéter",
        "repeat_end_done": "C'est fait : la ligne n'est plus répétée",
    },
    en={
        "change_nothing": "No, change nothing",
        "back_to_page": "Back to the page",
        "odd_form": "This form is not filled in as it should be; go back and correct it.",
        "take_part_title": "Take part in the neighbourhood's figures?",
        "take_part_means": (
            "Each day a contribution will leave your home: the day's curve, with noise that is added "
            "here before it leaves, and encrypted. The trustees open it only in a sum with many others. "
            "The city sees that you take part. What has left does not come back; you can stop any day."
        ),
        "take_part_yes": "Yes, take part",
        "take_part_do": "Take part",
        "take_part_done": "Done: this home wants to take part",
        "stop_part_title": "Take part no longer?",
        "stop_part_means": (
            "No contribution will leave any more, and those that wait are deleted. What has left stays "
            "in the sums. Bills go on. The city sees that you no longer take part."
        ),
        "stop_part_yes": "Yes, stop",
        "stop_part_do": "Take part no longer",
        "never_part_do": "Take no part, not even later",
        "stop_part_done": "Done: this home takes no part",
        "say_who": "Say who lives here",
        "say_who_how": (
            "These numbers count in the neighbourhood's figures, and never alone: they leave only with "
            "noise, in a sum, on a few days a year at most."
        ),
        "aged": "aged {band}",
        "employed": "of them employed",
        "persons": "Persons by age",
        "say_who_do": "Go on",
        "set_profile_title": "Say this of who lives here?",
        "set_profile_means": (
            "Your chip keeps it and shows it to you alone. Nothing of it leaves now; on the days on "
            "which the neighbourhood counts it, it leaves with noise and encrypted, in a sum."
        ),
        "set_profile_yes": "Yes, this is right",
        "set_profile_done": "Done: your chip knows who lives here",
        "forget_do": "Forget who lives here",
        "forget_profile_title": "Forget who lives here?",
        "forget_profile_means": "The chip deletes these numbers. What has left in sums stays there.",
        "forget_profile_yes": "Yes, forget it",
        "forget_profile_done": "Done: it is forgotten",
        "cap": "What a year may cost",
        "cap_how": (
            "Once the cap is reached, nothing more leaves for the neighbourhood until next year, and "
            "bills go on."
        ),
        "cap_share": "Share of the cap that was planned",
        "cap_do": "Go on",
        "cap_year_title": "Change what a year may cost?",
        "cap_year_means": (
            "The year's cap becomes {share} of the one that was planned. Nothing leaves your home for this. If it is reached, your "
            "part in the neighbourhood's figures ends until next year."
        ),
        "cap_year_yes": "Yes, this cap",
        "cap_year_done": "Done: a year's cap is {share} of the one that was planned",
        "ask_quotes_do": "Ask for new quotes",
        "ask_quotes_title": "Ask for new quotes?",
        "ask_quotes_means": (
            "A question will leave your home, at a moment drawn from the next 2 to 12 hours. It is the "
            "same for all homes and says nothing of you but that it was asked."
        ),
        "ask_quotes_yes": "Yes, ask",
        "ask_quotes_done": "Done: the question is ready to leave",
        "keep_months_title": "Keep {months} months of your curve?",
        "keep_months_means": (
            "Nothing is deleted for this. Quarter-hours stay on this chip for longer, and whoever steals "
            "its card reads them. Nothing leaves your home."
        ),
        "keep_months_yes": "Yes, keep that many",
        "keep_months_done": "Done: {months} months of your curve are kept",
        "keep_fewer_how": (
            "Fewer months delete quarter-hours, for good: the chip's button has to confirm it then. Without "
            "a button, type `volet edge curve --keep MONTHS` at the chip."
        ),
        "keep_fewer_title": "Keep only {months} months of your curve?",
        "keep_fewer_means": (
            "Quarter-hours older than {months} months and a week, if there are any, will be deleted from "
            "this chip at the end of the day, for good; the others stay, and whoever steals its card "
            "reads them. Nothing leaves your home for this. After this yes, somebody still has to hold the "
            "chip's button for three seconds."
        ),
        "keep_fewer_yes": "Yes, ask at the chip",
        "keep_fewer_done": "Asked: the chip waits for its button",
        "keep_asked": (
            "The chip waits until {until}: hold its button for three seconds to keep only {months} months. "
            "If you no longer want to, touch nothing."
        ),
        "repeater": "The line on the home network",
        "repeater_how": (
            "If another program at home (linkytic, evcc) has read the meter itself, the chip can repeat "
            "the line for it. Otherwise leave it."
        ),
        "repeat_line_do": "Repeat the line",
        "repeat_line_title": "Repeat the line on the home network?",
        "repeat_line_means": (
            "Everybody on that network can then read what the meter sends, each second: your whole "
            "curve, and when you are at home. There is no password. Other numbers stand in the place of "
            "those of meter and point of delivery. Nothing leaves your home for this, and you can end "
            "it; what was read stays read."
        ),
        "repeat_line_yes": "Yes, repeat it",
        "repeat_line_done": "Done: the line is repeated",
        "repeat_end_do": "Repeat it no longer",
        "repeat_end_title": "Repeat the line no longer?",
        "repeat_end_means": (
            "The programs that read it get nothing any more. The chip's own readings go on."
        ),
        "repeat_end_yes": "Yes, repeat it no longer",
        "repeat_end_done": "Done: the line is repeated no longer",
    },
)
