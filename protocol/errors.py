"""The errors of Volet, one class per decision a caller makes.

VoletError                      one sentence and the next step, for people
  + ConfigError                 the operator must act; names file and key
  + FrameError                  a TIC group or capture is refused
  + CipherError                 key, parameters or ciphertext do not fit
  |   + BoundExceeded           a value or weight exceeds the bounds for exact openings
  |   + CoefficientUsed         a coefficient of an incarnation may carry only one value
  + MessageRefused              a message is invalid; `reason` is a fixed identifier
  + DocumentRefused             a tariff, contract or enrolment breaks a rule; names the line
  + TransportError              may be retried
  |   + PublishRefused          the broker refused: never retried blindly
  + StoreError                  the store is damaged or of another version
      + StoreBusy               locked, or the disk is full: may be retried
"""

from enum import StrEnum


class VoletError(Exception):
    """Root of all errors that Volet raises on purpose; the text can be shown to people."""


class ConfigError(VoletError):
    """Something the operator must put right; the text names the file and the key."""


class FrameError(VoletError):
    """A TIC source or curve cannot be read in the format it claims."""


class CipherError(VoletError):
    """A key, a parameter or a ciphertext does not fit."""


class BoundExceeded(CipherError, ValueError):
    """A value or weight lies outside the bounds under which openings are exact."""


class CoefficientUsed(CipherError):
    """A coefficient that has already carried a value was about to carry another."""


class Reason(StrEnum):
    """Why a message was refused; the values appear in counters, dead letters and logs."""

    OVERSIZE = "oversize"
    MALFORMED = "malformed"
    VERSION = "unknown_version"
    NOT_CANONICAL = "not_canonical"
    SIGNATURE = "bad_signature"
    UNKNOWN_DEVICE = "unknown_device"
    TOPIC = "topic_does_not_fit"
    BOUNDS = "out_of_bounds"
    CONFLICT = "conflict"
    NO_EPOCH = "no_epoch"
    MAC = "bad_mac"
    QUOTA = "over_quota"
    # The area lane.
    LATE = "late"
    CHECK_SLOT = "bad_check_slot"
    DOCUMENT = "unknown_document"
    ROSTER = "roster_does_not_fit"
    HOUSEHOLD = "unknown_household"
    PARTITION = "not_of_this_group"
    TOO_FEW = "too_few"
    ANSWERED = "answered_already"
    SEEDS = "unknown_seeds"
    NOT_READY = "not_ready"


class MessageRefused(VoletError):
    """A message was refused; nothing of it was kept.

    Attributes:
        reason: the fixed identifier for counters and dead letters.
        detail: what exactly was wrong; never payload.
    """

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(f"message refused ({reason}){': ' if detail else ''}{detail}")
        self.reason = reason
        self.detail = detail


class DocumentRefused(VoletError):
    """A tariff, contract or enrolment document breaks a rule; the text names the place."""


class TransportError(VoletError):
    """The network or the broker is unavailable; the caller should try again."""


class PublishRefused(TransportError):
    """The broker refused a publication or subscription.

    Attributes:
        reason_code: the MQTT 5 reason code.
    """

    def __init__(self, message: str, reason_code: int) -> None:
        super().__init__(message)
        self.reason_code = reason_code


class StoreError(VoletError):
    """A store is damaged, has an unknown version, or belongs elsewhere."""


class StoreBusy(StoreError):
    """A store cannot be written now (locked, disk full); the caller should try again."""
