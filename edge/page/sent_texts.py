"""The words of what a chip sent on a day, kind by kind, in French and English."""

from typing import NamedTuple

from edge.language.typography import bilingual
from protocol.topics import Kind


class SentWords(NamedTuple):
    """A kind of message in plain words: what it is, what it contains, who can open it."""

    what: str
    contains: str
    who: str


# By the topic's kind; `will` and `other` are no topic's.
SENT_KINDS = bilingual(
    fr={
        str(Kind.BLOCK): SentWords(
            "Blocs chiffrés",
            "vos relevés, chiffrés ici ; pour le jour affiché, ce sont les octets ci-dessus",
            "vous seul, avec la clé de ce boîtier",
        ),
        str(Kind.EPOCH): SentWords(
            "Débuts de mois",
            "des nombres au hasard, qu'il faut pour calculer avec vos blocs du mois ; aucun relevé",
            "la collectivité ; il n'y a rien à y lire de vous",
        ),
        str(Kind.AREA): SentWords(
            "Contribution aux chiffres du quartier",
            "votre journée, masquée et avec du bruit",
            "personne à elle seule ; les garants n'ouvrent que la somme",
        ),
        str(Kind.ASK): SentWords(
            "Questions sur le quartier",
            "quels documents du quartier manquent à ce boîtier, et où votre logement y est rangé",
            "la collectivité",
        ),
        str(Kind.KEY): SentWords(
            "Parts de clé pour les garants",
            "au hasard, scellées à chaque garant : elles enlèvent le masque de la somme du quartier",
            "chaque garant la sienne",
        ),
        str(Kind.FETCH): SentWords(
            "Questions sur ce qui est arrivé",
            "ce boîtier demande ce que la collectivité a de vos blocs",
            "la collectivité",
        ),
        str(Kind.SEEN): SentWords(
            "Accusés de facture ou de lettre",
            "qu'un relevé ou une lettre est arrivé ici ; ni montant ni verdict",
            "la collectivité",
        ),
        str(Kind.RECEIPT): SentWords(
            "Reçus",
            "ce que votre contrat dit au fournisseur : le total, ou les lignes, avec leur preuve",
            "votre fournisseur",
        ),
        str(Kind.QUOTE): SentWords(
            "Questions pour des devis",
            "sur quels jours calculer toutes les offres de la liste ; pas laquelle vous plaît",
            "la collectivité ; vous seul ouvrez la réponse",
        ),
        str(Kind.LEAVE): SentWords(
            "Départ du logement",
            "que votre foyer déménage, et le dernier jour ; la fin de ses contrats",
            "la collectivité et votre fournisseur",
        ),
        str(Kind.RENEW): SentWords(
            "Renouvellement du certificat",
            "une nouvelle demande pour ce boîtier ; si son certificat a expiré, elle part par l'API de la "
            "collectivité",
            "la collectivité",
        ),
        str(Kind.STATUS): SentWords(
            "Messages d'état",
            "si le boîtier fonctionne et ce que valent sa ligne, le disque, l'horloge, et la version ; "
            "ni relevé ni nom",
            "qui la collectivité laisse le lire : en clair",
        ),
        "will": SentWords(
            "Derniers messages laissés d'avance",
            "à chaque connexion, l'état « injoignable », publié si le boîtier disparaît sans le dire",
            "qui la collectivité laisse le lire : en clair",
        ),
        "other": SentWords(
            "Autres messages",
            "ceux dont seul le foyer voit le détail",
            "la collectivité ou le fournisseur ; le foyer voit lesquels",
        ),
    },
    en={
        str(Kind.BLOCK): SentWords(
            "Encrypted blocks",
            "your readings, encrypted here; those of the day shown are the bytes above",
            "you alone, with this chip's key",
        ),
        str(Kind.EPOCH): SentWords(
            "Beginnings of a month",
            "random numbers, needed to compute with the month's blocks; no reading",
            "the city; there is nothing about you to read in it",
        ),
        str(Kind.AREA): SentWords(
            "Contribution to the neighbourhood's figures",
            "your day, masked and with noise",
            "nobody on its own; the trustees open the sum only",
        ),
        str(Kind.ASK): SentWords(
            "Questions about the neighbourhood",
            "which documents of the neighbourhood this chip lacks, and where your home is put in it",
            "the city",
        ),
        str(Kind.KEY): SentWords(
            "Key shares for the trustees",
            "random, sealed to each trustee: they take the mask off the neighbourhood's sum",
            "each trustee its own",
        ),
        str(Kind.FETCH): SentWords(
            "Questions about what arrived",
            "this chip asks what the city holds of your blocks",
            "the city",
        ),
        str(Kind.SEEN): SentWords(
            "Confirmations of a bill or letter",
            "that a statement or a letter has arrived here; no amount and no verdict",
            "the city",
        ),
        str(Kind.RECEIPT): SentWords(
            "Receipts",
            "what your contract tells the provider: the total, or the lines, with their proof",
            "your provider",
        ),
        str(Kind.QUOTE): SentWords(
            "Questions for quotes",
            "over which days to compute all offers of the list; not which one you like",
            "the city; you alone open the answer",
        ),
        str(Kind.LEAVE): SentWords(
            "Moving out",
            "that your household moves, and the last day; the end of its contracts",
            "the city and your provider",
        ),
        str(Kind.RENEW): SentWords(
            "Renewal of the certificate",
            "a new request for this chip; once its certificate has run out, it goes by the city's API",
            "the city",
        ),
        str(Kind.STATUS): SentWords(
            "Status messages",
            "whether the chip runs and how good its line, the disk and the clock are, and the version; no "
            "reading and no name",
            "those whom the city lets read it: in clear",
        ),
        "will": SentWords(
            "Last messages left in advance",
            "with each connection, the state “unreachable”, published if the chip vanishes without a word",
            "those whom the city lets read it: in clear",
        ),
        "other": SentWords(
            "Other messages",
            "those that the household alone sees one by one",
            "the city or the provider; the household sees which",
        ),
    },
)

SENT_TEXTS = bilingual(
    fr={
        "sent": "Tout ce que ce boîtier a envoyé ce jour-là",
        "sent_how": (
            "Chaque message que le boîtier a remis à la collectivité entre minuit et minuit, quel que "
            "soit le jour dont il parle. Ce qui est envoyé de nouveau compte de nouveau. Les octets sont "
            "ceux du contenu, sans l'enveloppe de la connexion."
        ),
        "sent_what": "Message",
        "sent_contains": "Ce qu'il contient",
        "sent_who": "Qui peut l'ouvrir",
        "sent_count": "Combien",
        "sent_size": "Octets",
        "sent_when": "Quand",
        "sent_all": "En tout",
        "sent_first_last": "de {first} à {last}",
        "sent_since": (
            "Compté depuis {time} : ce qui serait parti plus tôt ce jour-là, avant une restauration ou "
            "d'un Volet qui ne comptait pas encore, n'y est pas."
        ),
        "sent_anew": "Le compte d'avant {time} était abîmé ; il est refait depuis.",
        "sent_nothing": "Ce jour-là, rien n'est parti.",
        "sent_unknown": (
            "Pour ce jour, il n'y a pas de compte : le boîtier était arrêté ou n'a rien envoyé, ou le "
            "compte n'existait pas encore ou n'existe plus (il est gardé 100 jours). Le bloc d'un jour part "
            "souvent la nuit d'après ; il est alors compté au lendemain."
        ),
        "sent_sure": (
            "Le compte est écrit une fois par minute : une coupure de courant peut en coûter la dernière. "
            "Si une connexion casse, un message compté peut ne pas être arrivé."
        ),
        "sent_else": (
            "Rien d'autre ne part de ce boîtier. Cette page et les voyants restent chez vous ; votre propre "
            "domotique, si vous l'avez branchée, entend le boîtier chez vous et n'est pas comptée ici ; ce "
            "qu'elle transmet, Volet ne le sait pas. En se connectant, il dit son identifiant et à quoi il s'abonne : les messages pour lui, la liste "
            "des offres, les garants, la courbe de votre quartier. La machine elle-même demande l'heure, "
            "et de nouvelles versions si vous l'avez réglé. Le compteur, lui, envoie ses index au "
            "gestionnaire du réseau par la ligne électrique, et la courbe si vous ne l'avez pas refusée : "
            "Volet n'y ajoute rien et n'en retire rien."
        ),
    },
    en={
        "sent": "All that this chip sent on that day",
        "sent_how": (
            "Every message that the chip handed to the city between midnight and midnight, of whichever "
            "day it speaks. What is sent again counts again. The bytes are those of the content, without "
            "the connection's envelope."
        ),
        "sent_what": "Message",
        "sent_contains": "What it contains",
        "sent_who": "Who can open it",
        "sent_count": "How many",
        "sent_size": "Bytes",
        "sent_when": "When",
        "sent_all": "In all",
        "sent_first_last": "{first} to {last}",
        "sent_since": (
            "Counted since {time}: what left earlier on that day, before a restore or by a Volet that did "
            "not count yet, is not in it."
        ),
        "sent_anew": "The count of before {time} was damaged; it began anew then.",
        "sent_nothing": "Nothing left on that day.",
        "sent_unknown": (
            "There is no count of that day: the chip was off or sent nothing, or the count did not exist "
            "yet or exists no more (it is kept for 100 days). The block of a day often leaves in the night "
            "after it, and then counts for the next day."
        ),
        "sent_sure": (
            "The count is written once a minute: a power cut can cost the last one. If a connection "
            "breaks, a message that was counted may not have arrived."
        ),
        "sent_else": (
            "Nothing else leaves from this chip. This page and the lights stay in your home; your own smart "
            "home, if you have connected it, hears the chip at home and is not counted here; what it passes "
            "on, Volet does not know. When it connects, it tells its identifier and what it subscribes to: the messages for itself, the "
            "list of offers, the trustees, your neighbourhood's curve. The machine itself asks for the "
            "time, and for new versions if you set that up. The meter sends its indices to the grid "
            "operator by power line, and the curve unless you refused it: Volet adds nothing to that and "
            "takes nothing away."
        ),
    },
)
