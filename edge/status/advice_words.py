"""The advice to a household, in French and English."""

from edge.language.typography import bilingual
from edge.status.report import Advice

ADVICE = bilingual(
    en={
        Advice.START: "Start the chip: `volet edge run`; nothing is metered meanwhile.",
        Advice.WIRING: (
            "Look at the two wires on the meter's terminals I1 and I2, and whether the meter's "
            "display is lit. No energy is lost: the meter counts on."
        ),
        Advice.INTERFACE: (
            "Look at the two wires on the meter's terminals I1 and I2, at the opto-coupler and its "
            "supply, at the port that edge.toml names, and whether a console still holds it "
            "(`console=serial0` in cmdline.txt). No energy is lost: the meter counts on."
        ),
        Advice.SIGNAL: (
            "Look whether the opto-coupler inverts the signal, whether `mode` in edge.toml is "
            '"auto", whether a console still holds the port (`console=serial0` in cmdline.txt), '
            "and whether the pair keeps away from mains cables. No energy is lost: the meter counts "
            "on."
        ),
        Advice.ADAPTER: (
            "Plug the adapter in again; look whether edge.toml names it (adapters stand under "
            "/dev/serial/by-id) and whether another program holds it. The chip goes on by itself, "
            "and no energy is lost: the meter counts on."
        ),
        Advice.LINE: (
            "Use a twisted pair, away from mains cables. Bills stay exact; some quarter-hours are "
            "estimated."
        ),
        Advice.NETWORK: (
            "Look at your internet connection. Readings are kept and sent later; nothing is lost."
        ),
        Advice.REFUSED: (
            "Ask your collectivity whether it has revoked this chip; readings are kept meanwhile."
        ),
        Advice.CERTIFICATE: (
            "The chip renews its certificate by itself. If this stays for a day, tell your "
            "collectivity; if it asks you to, give it request.json again and install its answer: "
            "`volet edge enrol ENROLMENT.json`. Readings are kept meanwhile."
        ),
        Advice.CONFIRM: (
            "Compare your meter's display with `volet edge confirm`, which shows the index that is "
            "not believed; if the meter shows it too, confirm it there. Nothing is billed meanwhile; a "
            "late answer loses nothing."
        ),
        Advice.OTHER_METER: (
            "Another meter is on the line, and what it shows is set aside. If it is your new meter, "
            "say so with `volet edge confirm`, which shows its number; if it is not, connect the "
            "chip to your own. If nothing is said, it counts as yours after a day."
        ),
        Advice.CONTRACT: (
            "If the meter on the line is yours, make a contract for it: `volet edge request --offer "
            "OFFER.json --from DAY`, from the day of its replacement, or from the same first day as before if "
            "the number was mistyped. Hand request.json to your collectivity, which runs `volet "
            "cloud enrol`; install its answer (`volet edge enrol ENROLMENT.json`), then start the chip again. If "
            "it is not yours, connect the chip to your own meter, with which it goes on by itself."
        ),
        Advice.CONFIRMED: (
            "You have confirmed what the meter shows. The chip goes on from it once it runs and the "
            "line has shown it again; until then there is nothing more to be done."
        ),
        Advice.TARIFF: (
            "Ask your provider for its offer for what your meter is set to, and take it from the "
            "first day that belongs to that setting: `volet edge request --offer OFFER.json --from "
            "{offer_from}`. Hand request.json to your collectivity, which runs `volet cloud enrol`; "
            "install its answer (`volet edge enrol ENROLMENT.json`), then start the chip again. If "
            "the meter is set wrongly, ask your provider to have it set as your contract says."
        ),
        Advice.MOVE_OUT: (
            "A move-out is ordered: with its next good reading the chip ends this household's time "
            "here, for good. If you do not want that: `volet edge move-out --cancel`."
        ),
        Advice.LEAVING: (
            "Leave the chip on (`volet edge run`) and connected until your collectivity knows that "
            "you have moved out."
        ),
        Advice.LEFT: (
            "Take your household along: `volet edge export --out FILE --sheet SHEET.html`. Then "
            "`volet edge erase` makes the chip ready for who comes next."
        ),
        Advice.NOT_SIMULATED: (
            "Take `metering.is_simulated` out of edge.toml and start the chip again: a real meter is "
            "on the line. As long as it says so, days close by whatever a clock shows, and nothing "
            "is held against another clock."
        ),
        Advice.CLOCK: "Set this machine's clock; it is off by more than a minute.",
        Advice.TIME: (
            "Connect this machine to the internet, so that it gets the right time, and let it run; if "
            "it is connected, turn on time synchronisation (`timedatectl` shows whether it is on, "
            "`sudo timedatectl set-ntp true` turns it on). Compare the time with the clock on the "
            "meter's display. No energy is lost: the meter counts on, and days close when the time "
            "is sure."
        ),
        Advice.NETWORK_TIME: (
            "Connect this machine to the internet: in historique mode the meter sends no date, so "
            "this machine has to get the time from the network. If it is connected, turn on time "
            "synchronisation (`timedatectl` shows whether it is on, `sudo timedatectl set-ntp true` "
            "turns it on). No energy is lost: the meter counts on, and days close when the time is "
            "sure."
        ),
        Advice.REVOKED: (
            "Ask your collectivity why it has revoked this chip. As long as it runs (`volet edge "
            "run`), it meters on and keeps everything. To go on with new keys, stop it and take your "
            "household along: `volet edge export --out FILE`; in a new directory `volet edge init --dir "
            "NEW` and `volet edge import --dir NEW FILE`; hand the request.json there to your "
            "collectivity, install its answer (`volet edge enrol --dir NEW ENROLMENT.json`), and start the chip "
            "from there."
        ),
        Advice.AUTHORITY: (
            "Compare the authority's fingerprint that `volet edge enrol` showed with what your "
            "collectivity publishes; if they agree, tell it that its broker shows another."
        ),
        Advice.CITY_CERTIFICATE: (
            "Look whether this machine's clock is right; if it is, tell your collectivity that its "
            "certificate has ended. Readings are kept meanwhile."
        ),
        Advice.FORKED: (
            "A root of your collectivity has signed two lists of keys that contradict each other. Ask "
            "the collectivity why, and show key-list.json and key-list-fork.json to somebody whom you "
            "trust; the chip goes on with the first."
        ),
        Advice.CHOICES: (
            "What you chose about the neighbourhood's figures (area.json) cannot be read, so this home "
            "takes no part. `volet edge area` says why. Bills continue."
        ),
        Advice.DOUBLE: (
            "Two machines run from copies of one card: end one of them. Both meter on meanwhile; a "
            "second home needs keys of its own in a new directory (`volet edge init --dir NEW`)."
        ),
    },
    fr={
        Advice.START: "Démarrez le boîtier : `volet edge run` ; d'ici là, rien n'est lu.",
        Advice.WIRING: (
            "Vérifiez les deux fils aux bornes I1 et I2 du compteur, et que son écran est allumé. "
            "Aucune énergie n'est perdue : le compteur continue de compter."
        ),
        Advice.INTERFACE: (
            "Vérifiez les deux fils aux bornes I1 et I2 du compteur, l'optocoupleur et son "
            "alimentation, le port nommé dans edge.toml, et qu'aucune console ne l'occupe "
            "(`console=serial0` dans cmdline.txt). Aucune énergie n'est perdue : le compteur "
            "continue de compter."
        ),
        Advice.SIGNAL: (
            "Vérifiez que l'optocoupleur n'inverse pas le signal, que `mode` vaut \"auto\" dans "
            "edge.toml, qu'aucune console n'occupe le port (`console=serial0` dans cmdline.txt), "
            "et que la paire passe loin des câbles du secteur. Aucune énergie n'est perdue : le "
            "compteur continue de compter."
        ),
        Advice.ADAPTER: (
            "Rebranchez l'adaptateur ; vérifiez qu'edge.toml le nomme bien (les adaptateurs sont "
            "sous /dev/serial/by-id) et qu'aucun autre programme ne l'occupe. Le boîtier reprend "
            "de lui-même, et aucune énergie n'est perdue : le compteur continue de compter."
        ),
        Advice.LINE: (
            "Utilisez une paire torsadée, loin des câbles du secteur. Les factures restent "
            "exactes ; certains quarts d'heure sont estimés."
        ),
        Advice.NETWORK: (
            "Vérifiez votre connexion à internet. Les relevés sont gardés et partiront plus tard ; "
            "rien n'est perdu."
        ),
        Advice.REFUSED: (
            "Demandez à votre collectivité si elle a révoqué ce boîtier ; les relevés sont gardés "
            "en attendant."
        ),
        Advice.CERTIFICATE: (
            "Le boîtier renouvelle son certificat lui-même. Si ce message reste un jour, dites-le à "
            "votre collectivité ; si elle vous le demande, redonnez-lui request.json et installez sa "
            "réponse : `volet edge enrol ENROLMENT.json`. Les relevés sont gardés en attendant."
        ),
        Advice.CONFIRM: (
            "Comparez l'écran de votre compteur avec `volet edge confirm`, qui montre l'index qui "
            "n'est pas retenu ; si le compteur l'affiche aussi, confirmez-le là. Rien n'est "
            "facturé d'ici là ; une réponse tardive ne fait rien perdre."
        ),
        Advice.OTHER_METER: (
            "Un autre compteur est branché, et ce qu'il montre est mis de côté. Si c'est votre "
            "nouveau compteur, dites-le avec `volet edge confirm`, qui montre son numéro ; sinon, "
            "reliez le boîtier au vôtre. Sans réponse, il compte comme le vôtre au bout d'un jour."
        ),
        Advice.CONTRACT: (
            "Si le compteur branché est le vôtre, faites un contrat pour lui : `volet edge request "
            "--offer OFFER.json --from DAY`, à partir du jour de son remplacement, ou du même premier jour "
            "qu'avant si le numéro était mal saisi. Remettez request.json à votre collectivité, qui "
            "lance `volet cloud enrol` ; installez sa réponse (`volet edge enrol ENROLMENT.json`), puis redémarrez "
            "le boîtier. S'il n'est pas le vôtre, reliez le boîtier à votre propre compteur, avec "
            "lequel il reprend de lui-même."
        ),
        Advice.CONFIRMED: (
            "Vous avez confirmé ce que montre le compteur. Le boîtier repart de là quand il tourne "
            "et que la liaison l'a montré encore une fois ; d'ici là, il n'y a rien d'autre à faire."
        ),
        Advice.TARIFF: (
            "Demandez à votre fournisseur son offre pour le réglage de votre compteur, et prenez-la "
            "à partir du premier jour qui relève de ce réglage : `volet edge request --offer "
            "OFFER.json --from {offer_from}`. Remettez request.json à votre collectivité, qui lance "
            "`volet cloud enrol` ; installez sa réponse (`volet edge enrol ENROLMENT.json`), puis "
            "redémarrez le boîtier. Si le compteur est mal réglé, demandez à votre fournisseur de le "
            "faire régler selon votre contrat."
        ),
        Advice.MOVE_OUT: (
            "Un déménagement est demandé : dès sa prochaine bonne lecture, le boîtier met fin au "
            "temps de ce foyer ici, pour de bon. Si vous ne le voulez pas : "
            "`volet edge move-out --cancel`."
        ),
        Advice.LEAVING: (
            "Laissez le boîtier en marche (`volet edge run`) et connecté jusqu'à ce que votre "
            "collectivité sache que vous avez déménagé."
        ),
        Advice.LEFT: (
            "Emportez votre foyer : `volet edge export --out FILE --sheet SHEET.html`. Ensuite, "
            "`volet edge erase` prépare le boîtier pour qui vient."
        ),
        Advice.NOT_SIMULATED: (
            "Retirez `metering.is_simulated` d'edge.toml et redémarrez le boîtier : c'est un vrai "
            "compteur qui est sur la ligne. Tant que c'est écrit, les jours se closent à l'heure "
            "qu'indique n'importe quelle horloge, sans qu'elle soit comparée à une autre."
        ),
        Advice.CLOCK: "Mettez cette machine à l'heure ; elle a plus d'une minute d'écart.",
        Advice.TIME: (
            "Connectez cette machine à internet, pour qu'elle reçoive la bonne heure, et laissez-la "
            "en marche ; si elle est connectée, activez la synchronisation de l'heure (`timedatectl` "
            "montre si elle est active, `sudo timedatectl set-ntp true` l'active). Comparez l'heure "
            "avec l'horloge affichée par le compteur. Aucune énergie n'est perdue : le compteur "
            "continue de compter, et les jours seront clos quand l'heure sera sûre."
        ),
        Advice.NETWORK_TIME: (
            "Connectez cette machine à internet : en mode historique, le compteur n'envoie pas la "
            "date, et cette machine doit donc recevoir l'heure du réseau. Si elle est connectée, "
            "activez la synchronisation de l'heure (`timedatectl` montre si elle est active, `sudo "
            "timedatectl set-ntp true` l'active). Aucune énergie n'est perdue : le compteur continue "
            "de compter, et les jours seront clos quand l'heure sera sûre."
        ),
        Advice.REVOKED: (
            "Demandez à votre collectivité pourquoi elle a révoqué ce boîtier. Tant qu'il tourne "
            "(`volet edge run`), il lit le compteur et garde tout. Pour reprendre avec de "
            "nouvelles clés, arrêtez-le et emportez votre foyer : `volet edge export --out FILE` ; dans "
            "un nouveau répertoire, `volet edge init --dir NEW` puis `volet edge import --dir NEW "
            "FILE` ; remettez le request.json qui s'y trouve à votre collectivité, installez sa "
            "réponse (`volet edge enrol --dir NEW ENROLMENT.json`), et démarrez le boîtier depuis ce répertoire."
        ),
        Advice.AUTHORITY: (
            "Comparez l'empreinte de l'autorité affichée par `volet edge enrol` avec celle que "
            "publie votre collectivité ; si elles concordent, dites-lui que son serveur en "
            "présente une autre."
        ),
        Advice.CITY_CERTIFICATE: (
            "Vérifiez que cette machine est à l'heure ; si elle l'est, dites à votre collectivité "
            "que son certificat a expiré. Les relevés sont gardés en attendant."
        ),
        Advice.FORKED: (
            "Une racine de votre collectivité a signé deux listes de clés qui se contredisent. "
            "Demandez-lui pourquoi, et montrez key-list.json et key-list-fork.json à quelqu'un de "
            "confiance ; le boîtier continue avec la première."
        ),
        Advice.CHOICES: (
            "Vos choix sur les chiffres du quartier (area.json) sont illisibles : ce foyer n'y "
            "participe donc pas. `volet edge area` dit pourquoi. Les factures continuent."
        ),
        Advice.DOUBLE: (
            "Deux machines tournent avec des copies d'une même carte : arrêtez-en une. Toutes deux "
            "continuent de lire le compteur ; un second logement a besoin de ses propres clés dans un "
            "nouveau répertoire (`volet edge init --dir NEW`)."
        ),
    },
)
