"""The chip's enrolment requests that have had no answer yet.

Each is a file in `requests/`, named by the time of its signature. The collectivity may have
enrolled any of them: its contract may be billed, and its answer may still arrive. Once the chip has
the answer to a later request, the collectivity no longer accepts the older ones.
"""

from contextlib import suppress
from pathlib import Path

import msgspec

from edge.contracts.signed import SignedAgreement, read_signed
from edge.stage import ENROLMENT, REQUEST
from protocol.contract import Signed
from protocol.enrolment import Enrolment, EnrolmentRecord, EnrolmentRequest
from protocol.envelope import decode_body
from protocol.errors import ConfigError, DocumentRefused, MessageRefused
from protocol.json_text import read_json
from system.files import FileSet, make_private_dir, read_document

FOLDER = "requests"
# None may be dropped, since the collectivity may have enrolled any; so there are no more than this.
REQUESTS_MAX = 100


def keep_request(directory: Path, signed: Signed, files: FileSet) -> None:
    """Store a request before it is handed out, with other files.

    Raises:
        DocumentRefused: too many wait for an answer.
        ConfigError: it cannot be written.
    """
    if len(list((directory / FOLDER).glob("*.json"))) >= REQUESTS_MAX:
        raise DocumentRefused(
            f"{REQUESTS_MAX} requests wait for an answer already; install the collectivity's answer, or "
            f"delete those in {directory / FOLDER} that you have handed to nobody."
        )
    made_at = decode_body(signed.body, EnrolmentRequest).mandate.made_at
    make_private_dir(directory / FOLDER)
    files.write_secret(directory / FOLDER / f"{made_at}.json", msgspec.json.encode(signed))


def forget_answered(directory: Path) -> None:
    """Remove the requests that can no longer be answered."""
    answered = answered_at(directory)
    for path in (directory / FOLDER).glob("*.json"):
        if int(path.stem) <= answered:
            path.unlink()


def asked_agreements(directory: Path) -> list[SignedAgreement]:
    """Read the requested contracts that have had no answer yet, oldest first.

    Raises:
        ConfigError: a request is damaged.
    """
    answered = answered_at(directory)
    agreements = []
    for made_at, request in _requests(directory):
        if request.offer is not None and request.contract is not None and made_at > answered:
            agreements.append(SignedAgreement(request.offer, request.contract))
    return agreements


def latest_request(directory: Path) -> EnrolmentRequest | None:
    """Read the latest request; None if there is none.

    Raises:
        ConfigError: a request is damaged.
    """
    requests = _requests(directory)
    return requests[-1][1] if requests else None


def latest_made_at(directory: Path) -> int:
    """Return when the latest request was signed, in milliseconds since 1970; 0 for none.

    Of a damaged request only the file name counts: a new request replaces it.
    """
    made_at = [answered_at(directory)]
    made_at += [int(path.stem) for path in (directory / FOLDER).glob("*.json")]
    if (directory / REQUEST).exists():
        with suppress(ConfigError, MessageRefused):
            body = read_signed(directory / REQUEST, "make a new request.").body
            made_at.append(decode_body(body, EnrolmentRequest).mandate.made_at)
    return max(made_at)


def answered_at(directory: Path) -> int:
    """Return the signing time of the latest request that the installed answer covers; 0 for none.

    Raises:
        ConfigError: the answer is damaged.
    """
    path = directory / ENROLMENT
    if not path.exists():
        return 0
    next_step = "install the collectivity's answer again."
    try:
        answer = read_json(read_document(path, next_step), Enrolment)
        return decode_body(answer.record, EnrolmentRecord).made_at
    except (msgspec.MsgspecError, MessageRefused) as exc:
        raise ConfigError(f"{path} is damaged: {exc}; {next_step}") from exc


def _requests(directory: Path) -> list[tuple[int, EnrolmentRequest]]:
    """Read all requests, oldest first; older versions kept `request.json` alone."""
    paths = [*(directory / FOLDER).glob("*.json"), directory / REQUEST]
    requests = {}
    for path in paths:
        if path.exists():
            # A new request replaces request.json, but not a file in `requests/`.
            is_kept = path.parent.name == FOLDER
            next_step = "delete it and make a new request." if is_kept else "make a new request."
            try:
                body = read_signed(path, next_step).body
                request = decode_body(body, EnrolmentRequest)
            except MessageRefused as exc:
                raise ConfigError(f"{path} is damaged: {exc.detail}; {next_step}") from exc
            requests[request.mandate.made_at] = request
    return sorted(requests.items(), key=lambda item: item[0])
