"""French of errors about certificates and the collectivity's keys."""

KEYS = {
    "put it back from a copy, or give it as a credential.": (
        "remettez-le depuis une copie, ou donnez-le comme « credential » de systemd."
    ),
    "delete it; the chip gets it again with its next session.": (
        "supprimez-le ; le boîtier le reçoit de nouveau à sa prochaine connexion."
    ),
    "{path} is damaged: {why} Or {step}": "{path} est endommagé : {why} Ou {step}",
    "{path} is damaged; delete it, the chip gets it again.": (
        "{path} est endommagé ; supprimez-le, le boîtier le reçoit de nouveau."
    ),
    "This chip has no certificate to renew.": "Ce boîtier n'a pas de certificat à renouveler.",
    "The certificate is another device's.": "Le certificat est celui d'un autre boîtier.",
    "The certificate is not for this chip's TLS key.": (
        "Le certificat n'est pas pour la clé TLS de ce boîtier."
    ),
    "The certificate is by an issuer that is not listed, or no more.": (
        "Le certificat vient d'un émetteur qui n'est pas, ou plus, sur la liste."
    ),
    "The certificate is the one that the broker refuses.": (
        "Le certificat est celui que le serveur refuse."
    ),
    "This key list withdraws every issuer.": "Cette liste de clés retire tous les émetteurs.",
    "The certificate ends no later than the present one.": (
        "Le certificat ne vaut pas plus longtemps que l'actuel."
    ),
    "The certificate is not by the chip's authority.": (
        "Le certificat ne vient pas de l'autorité de ce boîtier."
    ),
    "{path} is no certificate; put it back from a copy.": (
        "{path} n'est pas un certificat ; remettez-le depuis une copie."
    ),
    "The collectivity gives no certificate ({status}).": (
        "La collectivité ne donne pas de certificat ({status})."
    ),
    "the certificate was not issued by the authority that is trusted here": (
        "le certificat ne vient pas de l'autorité reconnue ici"
    ),
    "Authority {authority} does not load: {why}.": (
        "L'autorité {authority} ne se charge pas : {why}."
    ),
    "This set of trustees names another registrar.": (
        "Ces garants nomment un autre teneur du registre."
    ),
    "This key list is another collectivity's.": (
        "Cette liste de clés est celle d'une autre collectivité."
    ),
    "This key list names one {use} key twice.": "Cette liste nomme deux fois une clé ({use}).",
    "This key list cannot be read: {why}.": "Cette liste de clés est illisible : {why}.",
    "This key list is not signed by a root that is known here.": (
        "Cette liste de clés n'est signée par aucune racine connue ici."
    ),
    "This key list has days of {use} keys that do not fit.": (
        "Les jours des clés ({use}) de cette liste ne se suivent pas."
    ),
}
