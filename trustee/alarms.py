"""Raises alarms: a signed offence of the collectivity or of a trustee, kept with its proof."""

import msgspec
import structlog

from protocol.convictions import Offence, Proof, is_of_collectivity
from protocol.errors import MessageRefused, Reason
from protocol.trustee_messages import (
    Ask,
    LogEntry,
    RequestSummary,
    SignedLogEntry,
    SignedSummary,
)
from trustee.documents import TrustedDocuments
from trustee.log import Alarm, TrusteeLog

log = structlog.get_logger()


class Alarms:
    """The signed sets that this trustee has seen, and the offences among what others signed."""

    def __init__(self, trustee_log: TrusteeLog, documents: TrustedDocuments) -> None:
        self._log = trustee_log
        self._documents = documents

    def has(self, offence: Offence, offender: str) -> bool:
        """Return whether there is an alarm of this kind about somebody."""
        return any(
            (alarm.offence, alarm.offender) == (offence, offender) for alarm in self._log.alarms()
        )

    def is_asked(self, signed: SignedLogEntry, entry: LogEntry) -> bool:
        """Return whether the collectivity signed the request that an entry is about.

        If it did, its set counts as seen. If not, an alarm names the entry's author.
        """
        if is_of_collectivity(entry.asked, self._documents.trustee_sets):
            self._see(entry.asked)
            return True
        self._convict(Proof(Offence.INVENTED_REQUEST, entries=(signed,)), entry.summary)
        return False

    def has_two_sets(self, signed: SignedSummary) -> bool:
        """Return whether the collectivity signed another set of the figure besides this one.

        Raises:
            MessageRefused: it did not sign this one.
        """
        if not is_of_collectivity(signed, self._documents.trustee_sets):
            raise MessageRefused(Reason.SIGNATURE, "the collectivity did not sign this request")
        return self._see(signed)

    def compare(self, entry: LogEntry, signed: SignedLogEntry) -> None:
        """Raise an alarm if a trustee's log has answered for another set of the same figure."""
        if entry.summary.ask is Ask.SUM:
            other = self._log.sum_of(entry.trustee, entry.summary)
            if other is not None:
                self._convict(Proof(Offence.TWO_ANSWERS, entries=(other, signed)), entry.summary)

    def raise_fork(self, entry: LogEntry, known: SignedLogEntry, signed: SignedLogEntry) -> None:
        """Raise an alarm about the author of two entries that cannot be in one log."""
        self._convict(Proof(Offence.FORKED_LOG, entries=(known, signed)), entry.summary)

    def _see(self, signed: SignedSummary) -> bool:
        """Remember a set of a figure; return whether the collectivity signed two of them."""
        if signed.summary.ask is Ask.SUM:
            self._log.put_asked_set(signed)
        sets = self._log.asked_sets(signed.summary)
        if len(sets) > 1:
            self._convict(Proof(Offence.TWO_SETS, sets=tuple(sets)), signed.summary)
        return len(sets) > 1

    def _convict(self, proof: Proof, summary: RequestSummary) -> None:
        """Keep a proof; one of a kind is enough to convict a trustee."""
        offender = proof.convicts(self._documents.trustee_sets)
        if proof.offence is not Offence.TWO_SETS and self.has(proof.offence, offender):
            return
        alarm = Alarm(
            proof.offence,
            offender,
            summary.measure,
            summary.group,
            summary.day,
            msgspec.msgpack.encode(proof),
        )
        if self._log.raise_alarm(alarm):
            self._log.count(f"alarm_{alarm.offence}")
            log.critical(
                "alarm_raised",
                offence=alarm.offence,
                offender=alarm.offender,
                measure=alarm.measure,
                group=alarm.group,
                day=alarm.day,
            )
