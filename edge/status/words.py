"""The chip's state in plain words for the household, in French and English."""

from datetime import date, datetime

from edge.area.report import AreaSummary, Participation
from edge.area.words import LABEL, PARTICIPATION
from edge.identity.platform_keys import KnownKeys
from edge.language.choice import Lang
from edge.language.numbers import day_text, time_text
from edge.language.typography import bilingual, to_type
from edge.mqtt.message import Absence
from edge.status.advice_words import ADVICE
from edge.status.line import LineFault
from edge.status.notice_words import notices_in_words
from edge.status.presence import Presence
from edge.status.repeater import repeater_text
from edge.status.report import ChipReport, last_day
from edge.status.software import SoftwareState
from protocol.calendar import PARIS, legal_day

_COLUMN = 20

WORDS = bilingual(
    en={
        "chip": "Chip",
        "device": "Chip's id",
        "runs": "running since {since}",
        "stopped": "not running",
        "meter": "Meter",
        "reads": "read just now",
        "untimed": "read just now; the time is not sure, and nothing closes meanwhile",
        "read_at": "last read {at}",
        "read_to": "read up to {at}",
        "never_read": "nothing read yet",
        "source": "Listens on",
        "repeater": "Line repeated",
        "standard_input": "standard input",
        "line": "Line to the meter",
        "good": "good",
        "starting": "starting; nothing is judged yet",
        "poor": "poor: {bad}% of what comes is damaged",
        "silent": "nothing comes since {since}",
        "garbled": "what comes cannot be read since {since}",
        "away": "its device is not there since {since}",
        "unknown": "not known",
        "city": "City",
        "connected": "connected since {since}",
        "offline": "not connected since {since}: {why}",
        "revoked": "has revoked this chip, as it learnt on {at}",
        "closed": "Last day closed",
        "none_yet": "none yet",
        "waits": "Still to send",
        "nothing": "nothing",
        "message": "1 message; it goes by itself",
        "messages": "{count} messages; they go by themselves",
        "bill": "Next bill",
        "bill_from": "your first, for the days from {start} on",
        "bill_over": "for {start} to {last}, soon after",
        "bill_due": "for {start} to {last}; it can come any day now, and has not come yet",
        "last_bill": "the last one, for days up to {last}, if your provider asks for it",
        "no_bill": "none is to come",
        "no_contract": "this chip has no contract",
        "area": LABEL[Lang.EN],
        "area_none": "none yet",
        "area_on": "last contribution: {last}; {left}% of this year's privacy budget left",
        "certificate": "Certificate",
        "keys": "The city's keys",
        "replaced": (
            "replaced {count} times, last {key} on {day}; who signs certificates now does so until "
            "{end}"
        ),
        "replaced_once": (
            "replaced once, {key} on {day}; who signs certificates now does so until {end}"
        ),
        "platform": "the one that signs messages",
        "registrar": "the one that signs the roster",
        "issuer": "the one that signs certificates",
        "root": "the root",
        "not_enrolled": "none; this chip is not enrolled",
        "holds": "holds until {end}; a connected chip renews it by itself",
        "ended": "has ended on {end}",
        "set_aside": "Set aside",
        "aside_one": "1 message that this program could not handle; the rest goes on. Report it",
        "aside": "{count} messages that this program could not handle; the rest goes on. Report it",
        "software": "Release",
        "release": "{version}",
        "on_trial": "{version}, new, on trial: it is taken back by itself if it does worse",
        "taken_back": "{to}; {version} was tried and taken back at {at}; nothing need be done",
        "moving": "Moving out",
        "ordered": "ordered on {at}, not done yet",
        "left": "Moved out",
        "left_on": "{day} was this household's last day here",
        "notice": "Notice",
        "advice": "What to do",
    },
    fr={
        "chip": "Boîtier",
        "device": "Identifiant",
        "runs": "en marche depuis le {since}",
        "stopped": "arrêté",
        "meter": "Compteur",
        "reads": "lu à l'instant",
        "untimed": "lu à l'instant ; l'heure n'est pas sûre, rien n'est clos en attendant",
        "read_at": "dernière lecture le {at}",
        "read_to": "lu jusqu'au {at}",
        "never_read": "pas encore lu",
        "source": "Port",
        "repeater": "Ligne répétée",
        "standard_input": "entrée standard",
        "line": "Liaison au compteur",
        "good": "bonne",
        "starting": "au démarrage ; rien n'est encore jugé",
        "poor": "mauvaise : {bad} % de ce qui arrive est illisible",
        "silent": "rien n'arrive depuis le {since}",
        "garbled": "ce qui arrive est illisible depuis le {since}",
        "away": "port ou adaptateur introuvable depuis le {since}",
        "unknown": "état inconnu",
        "city": "Collectivité",
        "connected": "connectée depuis le {since}",
        "offline": "non connectée depuis le {since} : {why}",
        "revoked": "a révoqué ce boîtier, qui l'a appris le {at}",
        "closed": "Dernier jour clos",
        "none_yet": "aucun pour l'instant",
        "waits": "Reste à envoyer",
        "nothing": "rien",
        "message": "1 message ; il part de lui-même",
        "messages": "{count} messages ; ils partent d'eux-mêmes",
        "bill": "Prochaine facture",
        "bill_from": "la première, pour les jours à partir du {start}",
        "bill_over": "pour la période du {start} au {last}, peu après celle-ci",
        "bill_due": (
            "pour la période du {start} au {last} ; elle peut arriver d'un jour à l'autre, et n'est pas "
            "encore là"
        ),
        "last_bill": (
            "la dernière, pour les jours jusqu'au {last}, si votre fournisseur la demande"
        ),
        "no_bill": "aucune à venir",
        "no_contract": "ce boîtier n'a pas de contrat",
        "area": LABEL[Lang.FR],
        "area_none": "aucune pour l'instant",
        "area_on": "dernière contribution : {last} ; il reste {left} % du budget de vie privée de l'année",
        "certificate": "Certificat",
        "keys": "Ses clés",
        "replaced": (
            "remplacées {count} fois, en dernier {key} le {day} ; celle qui signe les certificats "
            "vaut jusqu'au {end}"
        ),
        "replaced_once": (
            "remplacées une fois, {key} le {day} ; celle qui signe les certificats vaut jusqu'au "
            "{end}"
        ),
        "platform": "celle qui signe les messages",
        "registrar": "celle du teneur du registre",
        "issuer": "celle qui signe les certificats",
        "root": "la racine",
        "not_enrolled": "aucun ; ce boîtier n'est pas inscrit",
        "holds": "valable jusqu'au {end} ; un boîtier connecté le renouvelle de lui-même",
        "ended": "a expiré le {end}",
        "set_aside": "Mis de côté",
        "aside_one": "1 message que ce programme n'a pas su traiter ; le reste continue. Signalez-le",
        "aside": (
            "{count} messages que ce programme n'a pas su traiter ; le reste continue. Signalez-le"
        ),
        "software": "Version",
        "release": "{version}",
        "on_trial": "{version}, nouvelle, à l'essai : retirée d'elle-même si elle fait moins bien",
        "taken_back": "{to} ; {version} a été essayée puis retirée à {at} ; rien à faire",
        "moving": "Déménagement",
        "ordered": "demandé le {at}, pas encore fait",
        "left": "Déménagement",
        "left_on": "{day} a été le dernier jour de ce foyer ici",
        "notice": "À savoir",
        "advice": "À faire",
    },
)

ABSENCES = bilingual(
    en={
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
    fr={
        Absence.STARTING: "la connexion est en cours",
        Absence.NETWORK: "la collectivité ne répond pas",
        Absence.CERTIFICATE: (
            "ce boîtier et la collectivité ne reconnaissent pas le certificat l'un de l'autre"
        ),
        Absence.CLOCK: (
            "selon l'horloge de cette machine, le certificat de la collectivité n'est pas encore "
            "valable"
        ),
        Absence.AUTHORITY: (
            "le certificat de la collectivité vient d'une autre autorité que celui de ce boîtier"
        ),
        Absence.EXPIRED: "le certificat de ce boîtier a expiré",
        Absence.CITY_EXPIRED: (
            "le certificat de la collectivité a expiré, selon l'horloge de cette machine"
        ),
        Absence.REVOKED: "la collectivité a révoqué ce boîtier",
        Absence.REFUSED: "la collectivité refuse ce boîtier",
        Absence.DOUBLE: "un autre boîtier avec les mêmes clés prend sans cesse sa place",
    },
)


def in_words(report: ChipReport, now: datetime, lang: Lang) -> str:
    """Return a report laid out for a terminal."""
    words = WORDS[lang]
    rows = state_rows(report, now, lang)
    rows += [(words["notice"], f"{at}  {text}") for at, text in notice_rows(report, lang)]
    rows += [(words["advice"], text) for text in advice_texts(report, lang)] or [
        (words["advice"], words["nothing"])
    ]
    return "\n".join(f"{label:<{_COLUMN}}{text}" for label, text in rows)


def state_rows(
    report: ChipReport, now: datetime, lang: Lang, *, has_bill: bool = True
) -> list[tuple[str, str]]:
    """Return the state as labels and texts, with the next bill or without it."""
    words = WORDS[lang]
    presence = report.presence
    rows = [
        ("chip", _chip(presence, lang)),
        *([] if report.device is None else [("device", report.device)]),
        ("meter", _meter(report, lang)),
        ("line", line_text(presence, lang)),
        *_source(presence, lang),
        *([] if report.repeater is None else [("repeater", repeater_text(report.repeater, lang))]),
        ("city", city_text(report, lang)),
        ("closed", _day(report.last_day_closed, lang)),
        ("waits", _waits(report.outbox_depth, lang)),
        *([("bill", _bill(report, now, lang))] if has_bill else []),
        ("area", area_text(report.area, lang)),
        ("certificate", _certificate(report, now, lang)),
        *_keys(report.keys, lang),
    ]
    if report.set_aside:
        count = len(report.set_aside)
        rows.append(("set_aside", words["aside" if count > 1 else "aside_one"].format(count=count)))
    if report.software is not None:
        rows.append(("software", _software(report.software, lang)))
    if report.move_out_ordered_at is not None:
        at = time_text(report.move_out_ordered_at, lang)
        rows.append(("moving", words["ordered"].format(at=at)))
    if report.left_after is not None:
        rows.append(("left", words["left_on"].format(day=day_text(report.left_after, lang))))
    return [(words[name], text) for name, text in rows]


def notice_rows(report: ChipReport, lang: Lang) -> list[tuple[str, str]]:
    """Return the notices, each with its time."""
    return [
        (time_text(at, lang), text)
        for at, text in notices_in_words(
            report.notices, report.unresolved, _offer_from(report, lang), lang
        )
    ]


def advice_texts(report: ChipReport, lang: Lang) -> list[str]:
    """Return what the household can do, the most urgent first."""
    offer_from = _offer_from(report, lang)
    return [ADVICE[lang][advice].format(offer_from=offer_from) for advice in report.advice]


def _offer_from(report: ChipReport, lang: Lang) -> str:
    return to_type("DAY", lang) if report.offer_from is None else report.offer_from.isoformat()


def _software(software: SoftwareState, lang: Lang) -> str:
    words, back = WORDS[lang], software.taken_back
    if software.is_on_trial:
        return words["on_trial"].format(version=software.version)
    if back is None:
        return words["release"].format(version=software.version)
    at = time_text(back.at, lang)
    return words["taken_back"].format(version=back.version, to=back.to, at=at)


def _chip(presence: Presence | None, lang: Lang) -> str:
    if presence is None:
        return WORDS[lang]["stopped"]
    return WORDS[lang]["runs"].format(since=time_text(presence.started_at, lang))


def _meter(report: ChipReport, lang: Lang) -> str:
    words, presence = WORDS[lang], report.presence
    if presence is not None and presence.line.is_good:
        return words["reads" if presence.line.is_time_known else "untimed"]
    if presence is not None and presence.line.last_frame_at is not None:
        return words["read_at"].format(at=time_text(presence.line.last_frame_at, lang))
    if report.last_quarter_hour_end is not None:
        return words["read_to"].format(at=time_text(report.last_quarter_hour_end, lang))
    return words["never_read"]


def line_text(presence: Presence | None, lang: Lang) -> str:
    """Return the state of the line to the meter."""
    words = WORDS[lang]
    if presence is None:
        return words["unknown"]
    line = presence.line
    if line.is_starting:
        return words["starting"]
    if not line.is_good:
        return words[line.fault or LineFault.SILENT].format(
            since=time_text(presence.line_since, lang)
        )
    if line.is_poor:
        return words["poor"].format(bad=round(100 * (1 - (line.quality or 0.0))))
    return words["good"]


def _source(presence: Presence | None, lang: Lang) -> list[tuple[str, str]]:
    """Return the row that shows where a running chip reads the meter."""
    if presence is None or not presence.source:
        return []
    is_stream = presence.source == "-"
    return [("source", WORDS[lang]["standard_input"] if is_stream else presence.source)]


def city_text(report: ChipReport, lang: Lang) -> str:
    """Return the state of the link to the collectivity."""
    words = WORDS[lang]
    if report.presence is None:
        if report.revoked_at is None:
            return words["unknown"]
        return words["revoked"].format(at=time_text(report.revoked_at, lang))
    session = report.presence.session
    since = time_text(session.since, lang)
    if session.is_up:
        return words["connected"].format(since=since)
    why = ABSENCES[lang][session.why or Absence.NETWORK]
    return words["offline"].format(since=since, why=why)


def _waits(count: int, lang: Lang) -> str:
    words = WORDS[lang]
    if count == 0:
        return words["nothing"]
    return words["message" if count == 1 else "messages"].format(count=count)


def _day(day: date | None, lang: Lang) -> str:
    return WORDS[lang]["none_yet"] if day is None else day_text(day, lang)


def _bill(report: ChipReport, now: datetime, lang: Lang) -> str:
    words, bill = WORDS[lang], report.next_bill
    if bill is None:
        return words["no_bill" if report.has_contract else "no_contract"]
    if report.left_after is not None:
        return words["last_bill"].format(last=day_text(report.left_after, lang))
    start = day_text(bill.start, lang)
    if bill.end is None:
        return words["bill_from"].format(start=start)
    text = words["bill_due" if bill.end <= legal_day(now) else "bill_over"]
    return text.format(start=start, last=day_text(last_day(bill.end), lang))


def area_text(area: AreaSummary, lang: Lang) -> str:
    """Return whether the household takes part in its area's figures."""
    words, participation = WORDS[lang], PARTICIPATION[lang][area.participation]
    if area.participation is not Participation.ON:
        return participation
    last = words["area_none"]
    if area.last_contribution is not None:
        last = day_text(date.fromisoformat(area.last_contribution), lang)
    more = words["area_on"].format(last=last, left=round(100 * area.budget_left))
    return f"{participation}{' ;' if lang is Lang.FR else ';'} {more}"


def _keys(keys: KnownKeys | None, lang: Lang) -> list[tuple[str, str]]:
    """Return the row that shows that the collectivity has replaced keys."""
    if keys is None or keys.last is None:
        return []
    end = day_text(keys.issuers[-1].not_after.astimezone(PARIS).date(), lang)
    words, day = WORDS[lang], day_text(keys.last.day, lang)
    text = words["replaced" if keys.replaced > 1 else "replaced_once"]
    key = words[keys.last.key]
    return [("keys", text.format(count=keys.replaced, key=key, day=day, end=end))]


def _certificate(report: ChipReport, now: datetime, lang: Lang) -> str:
    words, certificate = WORDS[lang], report.certificate
    if certificate is None:
        return words["not_enrolled"]
    end = day_text(certificate.not_after.astimezone(PARIS).date(), lang)
    return words["holds" if certificate.not_after > now else "ended"].format(end=end)
