"""The chip's state in words that a household has, French and English."""

from datetime import date, datetime

from edge.area.report import AreaSummary
from edge.bills.words import day_text
from edge.contracts.words import NOTICES as CONTRACT_NOTICES
from edge.language import Lang
from edge.message import Absence
from edge.metering.events import NoticeKind
from edge.status.presence import Presence
from edge.status.report import Advice, ChipReport, last_day
from protocol.calendar import PARIS

_COLUMN = 20

WORDS = {
    Lang.EN: {
        "chip": "Chip",
        "runs": "running since {since}",
        "stopped": "not running",
        "meter": "Meter",
        "reads": "read just now",
        "read_at": "last read {at}",
        "read_to": "read up to {at}",
        "never_read": "nothing read yet",
        "line": "Line to the meter",
        "good": "good",
        "poor": "poor: {bad}% of what comes is damaged",
        "silent": "nothing comes since {since}",
        "unknown": "not known",
        "city": "City",
        "connected": "connected since {since}",
        "away": "not connected since {since}: {why}",
        "closed": "Last day closed",
        "none_yet": "none yet",
        "waits": "Still to send",
        "nothing": "nothing",
        "messages": "{count} messages; they go by themselves",
        "bill": "Next bill",
        "bill_from": "your first, for the days from {start} on",
        "bill_over": "for {start} to {last}, soon after",
        "no_bill": "none is to come",
        "no_contract": "this chip has no contract",
        "area": "Neighbourhood",
        "area_off": "you take no part, or have not confirmed the trustees",
        "area_on": "last contribution {last}; {left}% of this year's budget left",
        "area_spent": "this year's budget is spent: nothing more is contributed, bills go on",
        "certificate": "Certificate",
        "not_enrolled": "none; this chip is not enrolled",
        "holds": "holds until {end}",
        "ended": "has ended on {end}",
        "left": "Moved out",
        "left_on": "{day} was this household's last day here",
        "notice": "Notice",
        "advice": "What to do",
    },
    Lang.FR: {
        "chip": "Boîtier",
        "runs": "en marche depuis {since}",
        "stopped": "arrêté",
        "meter": "Compteur",
        "reads": "lu à l'instant",
        "read_at": "dernière lecture {at}",
        "read_to": "lu jusqu'à {at}",
        "never_read": "rien de lu pour l'instant",
        "line": "Liaison au compteur",
        "good": "bonne",
        "poor": "mauvaise : {bad} % de ce qui arrive est abîmé",
        "silent": "rien n'arrive depuis {since}",
        "unknown": "pas connue",
        "city": "Collectivité",
        "connected": "connecté depuis {since}",
        "away": "pas connecté depuis {since} : {why}",
        "closed": "Dernier jour clos",
        "none_yet": "aucun pour l'instant",
        "waits": "Reste à envoyer",
        "nothing": "rien",
        "messages": "{count} messages ; ils partent d'eux-mêmes",
        "bill": "Prochaine facture",
        "bill_from": "la première, pour les jours à partir du {start}",
        "bill_over": "du {start} au {last}, peu après",
        "no_bill": "aucune n'est à venir",
        "no_contract": "ce boîtier n'a pas de contrat",
        "area": "Quartier",
        "area_off": "vous ne participez pas, ou n'avez pas confirmé les dépositaires",
        "area_on": "dernière contribution {last} ; il reste {left} % du budget de l'année",
        "area_spent": (
            "le budget de l'année est dépensé : plus aucune contribution, les factures continuent"
        ),
        "certificate": "Certificat",
        "not_enrolled": "aucun ; ce boîtier n'est pas inscrit",
        "holds": "valable jusqu'au {end}",
        "ended": "a pris fin le {end}",
        "left": "Déménagement",
        "left_on": "{day} a été le dernier jour de ce foyer ici",
        "notice": "À savoir",
        "advice": "À faire",
    },
}

ABSENCES = {
    Lang.EN: {
        Absence.STARTING: "it is connecting",
        Absence.NETWORK: "the city does not answer",
        Absence.CLOCK: "by this machine's clock the city's certificate is not valid yet",
        Absence.AUTHORITY: "the city's certificate is of another authority than this chip's",
        Absence.CERTIFICATE: "this chip and the city do not recognise each other's certificate",
        Absence.EXPIRED: "this chip's certificate has ended",
        Absence.CITY_EXPIRED: "the city's certificate has ended, by this machine's clock",
        Absence.REVOKED: "the city has revoked this chip",
        Absence.REFUSED: "the city refuses this chip",
        Absence.DOUBLE: "another chip with the same keys takes its place again and again",
    },
    Lang.FR: {
        Absence.STARTING: "la connexion est en cours",
        Absence.NETWORK: "la collectivité ne répond pas",
        Absence.CERTIFICATE: (
            "ce boîtier et la collectivité ne reconnaissent pas leurs certificats"
        ),
        Absence.CLOCK: (
            "selon l'horloge de cette machine, le certificat de la collectivité n'est pas encore "
            "valable"
        ),
        Absence.AUTHORITY: (
            "le certificat de la collectivité vient d'une autre autorité que celui de ce boîtier"
        ),
        Absence.EXPIRED: "le certificat de ce boîtier a pris fin",
        Absence.CITY_EXPIRED: (
            "le certificat de la collectivité a pris fin, selon l'horloge de cette machine"
        ),
        Absence.REVOKED: "la collectivité a révoqué ce boîtier",
        Absence.REFUSED: "la collectivité refuse ce boîtier",
        Absence.DOUBLE: "un autre boîtier avec les mêmes clés prend sans cesse sa place",
    },
}

ADVICE = {
    Lang.EN: {
        Advice.START: "Start the chip: `volet edge run`; nothing is metered meanwhile.",
        Advice.WIRING: (
            "Look at the two wires on the meter's terminals I1 and I2, and whether the meter's "
            "display is lit. No energy is lost: the meter counts on."
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
            "Give request.json to your collectivity again and install its answer: "
            "`volet edge enrol`."
        ),
        Advice.CONTRACT: (
            "If your meter was replaced, make a contract for the new one: `volet edge request "
            "--offer … --from …`, then `volet edge enrol`. If not, connect the chip to your own "
            "meter."
        ),
        Advice.TARIFF: (
            "Ask your provider for the tariff that your meter is set to, or to have the meter set "
            "as your contract says."
        ),
        Advice.CLOCK: "Set this machine's clock; it is off by more than a minute.",
        Advice.REVOKED: (
            "Ask your collectivity why it has revoked this chip. It meters on and keeps everything; "
            "if it is to go on, it is enrolled anew from a new directory."
        ),
        Advice.AUTHORITY: (
            "Compare the authority's fingerprint that `volet edge enrol` showed with what your "
            "collectivity publishes; if they agree, tell it that its broker shows another."
        ),
        Advice.CITY_CERTIFICATE: (
            "Look whether this machine's clock is right; if it is, tell your collectivity that its "
            "certificate has ended. Readings are kept meanwhile."
        ),
        Advice.DOUBLE: (
            "Two machines run from copies of one card: end one of them. Both meter on meanwhile; a "
            "second home needs keys of its own (`volet edge init` in a new directory)."
        ),
    },
    Lang.FR: {
        Advice.START: "Démarrez le boîtier : `volet edge run` ; rien n'est lu en attendant.",
        Advice.WIRING: (
            "Regardez les deux fils aux bornes I1 et I2 du compteur, et si son écran est allumé. "
            "Aucune énergie n'est perdue : le compteur continue de compter."
        ),
        Advice.LINE: (
            "Utilisez une paire torsadée, loin des câbles du secteur. Les factures restent "
            "exactes ; certains quarts d'heure sont estimés."
        ),
        Advice.NETWORK: (
            "Regardez votre connexion à internet. Les lectures sont gardées et partiront plus "
            "tard ; rien n'est perdu."
        ),
        Advice.REFUSED: (
            "Demandez à votre collectivité si elle a révoqué ce boîtier ; les lectures sont "
            "gardées en attendant."
        ),
        Advice.CERTIFICATE: (
            "Redonnez request.json à votre collectivité et installez sa réponse : "
            "`volet edge enrol`."
        ),
        Advice.CONTRACT: (
            "Si votre compteur a été remplacé, faites un contrat pour le nouveau : `volet edge "
            "request --offer … --from …`, puis `volet edge enrol`. Sinon, reliez le boîtier à "
            "votre propre compteur."
        ),
        Advice.TARIFF: (
            "Demandez à votre fournisseur le tarif sur lequel votre compteur est réglé, ou de "
            "faire régler le compteur selon votre contrat."
        ),
        Advice.CLOCK: "Mettez cette machine à l'heure ; elle s'écarte de plus d'une minute.",
        Advice.REVOKED: (
            "Demandez à votre collectivité pourquoi elle a révoqué ce boîtier. Il continue de lire "
            "et garde tout ; pour reprendre, il est inscrit à nouveau depuis un nouveau répertoire."
        ),
        Advice.AUTHORITY: (
            "Comparez l'empreinte de l'autorité montrée par `volet edge enrol` avec celle que "
            "publie votre collectivité ; si elles concordent, dites-lui que son serveur en montre "
            "une autre."
        ),
        Advice.CITY_CERTIFICATE: (
            "Regardez si cette machine est à l'heure ; si oui, dites à votre collectivité que son "
            "certificat a pris fin. Les lectures sont gardées en attendant."
        ),
        Advice.DOUBLE: (
            "Deux machines tournent avec des copies d'une même carte : arrêtez-en une. Les deux "
            "continuent de lire ; un second logement a besoin de ses propres clés "
            "(`volet edge init` dans un nouveau répertoire)."
        ),
    },
}

NOTICES = {
    Lang.EN: {
        **CONTRACT_NOTICES[Lang.EN],
        NoticeKind.GAP: "The meter was not read for some time; what it counted was spread over it.",
        NoticeKind.CLOCK_JUMP: "The meter's clock went back.",
        NoticeKind.CLOCK_DEGRADED: "The meter says that its own clock is not sure.",
        NoticeKind.METER_REPLACED: "Another meter is on the line.",
        NoticeKind.CALENDAR_CHANGED: "The meter counts by another calendar.",
        NoticeKind.INDEX_QUARANTINED: (
            "The meter showed an index that cannot be right; it is not believed until it is borne "
            "out."
        ),
        NoticeKind.INDEX_WRAPPED: "An index of the meter began again at zero.",
        NoticeKind.ENERGY_UNPLACED: (
            "More energy was counted at once than a quarter-hour takes; it stands in the next ones."
        ),
    },
    Lang.FR: {
        **CONTRACT_NOTICES[Lang.FR],
        NoticeKind.GAP: (
            "Le compteur n'a pas été lu pendant un temps ; ce qu'il a compté y a été réparti."
        ),
        NoticeKind.CLOCK_JUMP: "L'horloge du compteur a reculé.",
        NoticeKind.CLOCK_DEGRADED: "Le compteur dit que sa propre horloge n'est pas sûre.",
        NoticeKind.METER_REPLACED: "Un autre compteur est branché.",
        NoticeKind.CALENDAR_CHANGED: "Le compteur compte selon un autre calendrier.",
        NoticeKind.INDEX_QUARANTINED: (
            "Le compteur a montré un index impossible ; il n'est pas cru avant d'être confirmé."
        ),
        NoticeKind.INDEX_WRAPPED: "Un index du compteur est reparti de zéro.",
        NoticeKind.ENERGY_UNPLACED: (
            "Plus d'énergie qu'un quart d'heure n'en contient a été comptée d'un coup ; elle est "
            "dans les suivants."
        ),
    },
}


def in_words(report: ChipReport, now: datetime, lang: Lang) -> str:
    """Lay a report out for a terminal."""
    words = WORDS[lang]
    presence = report.presence
    rows = [
        ("chip", _chip(presence, lang)),
        ("meter", _meter(report, lang)),
        ("line", words["unknown"] if presence is None else _line(presence, lang)),
        ("city", words["unknown"] if presence is None else _city(presence, lang)),
        ("closed", _day(report.last_day_closed, lang)),
        (
            "waits",
            words["messages"].format(count=report.outbox_depth)
            if report.outbox_depth
            else words["nothing"],
        ),
        ("bill", _bill(report, lang)),
        ("area", _area(report.area, lang)),
        ("certificate", _certificate(report, now, lang)),
    ]
    if report.left_after is not None:
        rows.append(("left", words["left_on"].format(day=day_text(report.left_after, lang))))
    rows += [
        ("notice", f"{time_text(notice.at, lang)}  {NOTICES[lang][notice.kind]}")
        for notice in report.notices
    ]
    rows += [("advice", ADVICE[lang][each]) for each in report.advice] or [
        ("advice", words["nothing"])
    ]
    return "\n".join(f"{words[name]:<{_COLUMN}}{text}" for name, text in rows)


def time_text(at: datetime, lang: Lang) -> str:
    """Write an instant as clocks in France show it."""
    local = at.astimezone(PARIS)
    return f"{day_text(local.date(), lang)} {local:%H:%M}"


def _chip(presence: Presence | None, lang: Lang) -> str:
    if presence is None:
        return WORDS[lang]["stopped"]
    return WORDS[lang]["runs"].format(since=time_text(presence.started_at, lang))


def _meter(report: ChipReport, lang: Lang) -> str:
    words, presence = WORDS[lang], report.presence
    if presence is not None and presence.line.is_good:
        return words["reads"]
    if presence is not None and presence.line.last_frame_at is not None:
        return words["read_at"].format(at=time_text(presence.line.last_frame_at, lang))
    if report.last_quarter_hour_end is not None:
        return words["read_to"].format(at=time_text(report.last_quarter_hour_end, lang))
    return words["never_read"]


def _line(presence: Presence, lang: Lang) -> str:
    words, line = WORDS[lang], presence.line
    if not line.is_good:
        return words["silent"].format(since=time_text(presence.line_since, lang))
    if line.is_poor:
        return words["poor"].format(bad=round(100 * (1 - (line.quality or 0.0))))
    return words["good"]


def _city(presence: Presence, lang: Lang) -> str:
    words, session = WORDS[lang], presence.session
    since = time_text(session.since, lang)
    if session.is_up:
        return words["connected"].format(since=since)
    why = ABSENCES[lang][session.why or Absence.NETWORK]
    return words["away"].format(since=since, why=why)


def _day(day: date | None, lang: Lang) -> str:
    return WORDS[lang]["none_yet"] if day is None else day_text(day, lang)


def _bill(report: ChipReport, lang: Lang) -> str:
    words, bill = WORDS[lang], report.next_bill
    if bill is None:
        return words["no_bill" if report.has_contract else "no_contract"]
    start = day_text(bill.start, lang)
    if bill.end is None:
        return words["bill_from"].format(start=start)
    return words["bill_over"].format(start=start, last=day_text(last_day(bill.end), lang))


def _area(area: AreaSummary, lang: Lang) -> str:
    words = WORDS[lang]
    if not area.is_on:
        return words["area_off"]
    if area.budget_left <= 0:
        return words["area_spent"]
    last = words["none_yet"]
    if area.last_contribution is not None:
        last = day_text(date.fromisoformat(area.last_contribution), lang)
    return words["area_on"].format(last=last, left=round(100 * area.budget_left))


def _certificate(report: ChipReport, now: datetime, lang: Lang) -> str:
    words, certificate = WORDS[lang], report.certificate
    if certificate is None:
        return words["not_enrolled"]
    end = day_text(certificate.not_after.astimezone(PARIS).date(), lang)
    return words["holds" if certificate.not_after > now else "ended"].format(end=end)
