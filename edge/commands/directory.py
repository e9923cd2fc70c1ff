"""The files of a chip's directory, and which of them a backup contains."""

from datetime import UTC, datetime
from pathlib import Path

from edge.area.figure import FILE_NAME as FIGURES
from edge.area.settings import FILE_NAME as AREA_CHOICES
from edge.area.settings import load_choices
from edge.bills.release_token import FILE_NAME as RELEASE
from edge.bills.release_token import read_release_tokens
from edge.chip.config import load_config
from edge.chip.confirming import ORDER as CONFIRMED
from edge.commands.backup_words import (
    home_is_off,
    next_step,
    order_dropped,
    receipts_wait,
    words,
)
from edge.contracts.former import FOLDER, former_agreements
from edge.contracts.requests import FOLDER as REQUESTS
from edge.contracts.signed import CONTRACT, OFFER, load_contract
from edge.home.choice import CHOICE as HOME_CHOICE
from edge.home.choice import LOCK as HOME_LOCK
from edge.home.record import FILE_NAME as HOME
from edge.home.settings import PASSWORD
from edge.household.call import SOCKET_NAME
from edge.household.contracts import OFFERS
from edge.household.pairing import ORDER as PAIRING
from edge.identity.enrolment import AUTHORITY, CERTIFICATE, FORMER, load_identity
from edge.identity.keys import METER_SALT, SIGNING_KEY, TLS_KEY, load_keys
from edge.identity.platform_keys import FORK, KEY_LIST
from edge.moving.departure import ERASED
from edge.moving.departure import ORDER as MOVE_OUT
from edge.moving.erasing import ORDER as ERASE
from edge.moving.exported import NOTE as EXPORTED
from edge.moving.transfer import departure_of
from edge.mqtt.sent import FOLDER as SENT
from edge.page.early import FILE_NAME as NOT_ENROLLED
from edge.page.names import PORT_FILE
from edge.page.sessions import FILE_NAME as SESSIONS
from edge.quotes.asking import ORDER as QUOTE_ORDER
from edge.renewal.certificates import NEXT
from edge.stage import (
    CONFIG_NAME,
    DEFAULT_DIRECTORY,
    ENROLMENT,
    HOUSEHOLD_KEY,
    IMPORTING,
    PAGE_DIRECTORY,
    REQUEST,
    key_path,
)
from edge.status.news import SEEN
from edge.status.presence import FILE_NAME as STATUS
from edge.tic.repeater.channel import SOCKET_NAME as LINE_SOCKET
from edge.tic.repeater.choice import FILE_NAME as REPEATER
from edge.tic.repeater.choice import forget_repeater
from edge.vault.copies import put_back
from edge.vault.database import FILE_NAME as VAULT
from edge.vault.kept_curve import FILE_NAME as KEPT_CURVE
from edge.vault.kept_curve import load_kept_curve
from edge.vault.keyring import PATTERN, destroy_expired
from protocol.calendar import legal_day
from protocol.errors import ConfigError
from system.backup.listing import Fate, ListedFile, Party, beside_database
from system.set_aside import FILE_NAME as SET_ASIDE

_YES = "yes"

FILES = (
    ListedFile(CONFIG_NAME, "`volet edge init`, then you"),
    ListedFile(f"keys/{TLS_KEY}", "`volet edge init`; P-256, proves to the broker who connects", private=_YES),
    ListedFile(f"keys/{SIGNING_KEY}", "`volet edge init`; Ed25519, signs what the chip sends", private=_YES),
    ListedFile(f"keys/{HOUSEHOLD_KEY}", "`volet edge init` or `import`; opens the keys of each year; [64 bytes of our own form](../explanation/ciphers.md#how-keys-are-stored)", private="yes, above all"),
    ListedFile(f"keys/{PATTERN}", "`volet edge run` with the first value of a year, or `import`; opens that year's bills; destroyed on 1 March two years later; [898 bytes, encrypted under the household's key](../explanation/ciphers.md#how-keys-are-stored)", private="yes, above all"),
    ListedFile(f"keys/{METER_SALT}", "`volet edge init` or `import`; hides the meter's serial in the contract", private=_YES),
    ListedFile(OFFERS, "the page, of an offer that a visitor showed it; for the command that it then names", Fate.LEFT_OUT, _YES, "show it again"),
    ListedFile(REQUEST, "`volet edge request`; its contract becomes the chip's with the answer", private=_YES),
    ListedFile(f"{REQUESTS}/*.json", "`volet edge request`; each that was handed out, until an answer to it or a later one is installed; at most 100", private=_YES),
    ListedFile(CONTRACT, "`volet edge enrol`, from the request; the contract with the offer that it takes", private=_YES),
    ListedFile(OFFER, "`volet edge enrol` of an earlier Volet, beside a contract without its offer", private=_YES),
    ListedFile(CERTIFICATE, "`volet edge enrol`, from the collectivity"),
    ListedFile(AUTHORITY, "`volet edge enrol`, from the collectivity"),
    ListedFile(NEXT, "`volet edge run`, from the collectivity; the next certificate, until it has worked"),
    ListedFile(KEY_LIST, "`volet edge run`, from the collectivity; all its keys, past and present"),
    ListedFile(FORK, "`volet edge run`; a key list that contradicts the known one, as proof"),
    ListedFile(ENROLMENT, "`volet edge enrol`, from the collectivity; says that the chip is enrolled"),
    ListedFile(FORMER, "`volet edge import`; the household's chips before this one", private=_YES),
    ListedFile(f"{FOLDER}/*.json", "`volet edge import, enrol`; the household's contracts that have ended", private=_YES),
    ListedFile(AREA_CHOICES, "`volet edge trustees, area, profile, budget --cap`; what the household chose", private="yes: its profile"),
    ListedFile(KEPT_CURVE, "`volet edge curve --keep`; how many months of quarter-hours the vault keeps", private=_YES),
    ListedFile(RELEASE, "`volet edge receipts --release` or the panel's button; a new random token each time", private=_YES),
    ListedFile(MOVE_OUT.name, "`volet edge move-out`; the order, until the chip is erased; a restore drops one that was not carried out", private=_YES),
    ListedFile(EXPORTED.name, "`volet edge export`; when, for the page, which says what is left to do for a move", Fate.LEFT_OUT, _YES, "export again"),
    ListedFile(ERASED, "`volet edge erase`; until the former household's seeds are off the broker", private=_YES),
    ListedFile(VAULT, "`volet edge run`", Fate.DATABASE, private="yes: readings of 1 to 12 months"),
    ListedFile(
        STATUS,
        "`volet edge run`; the last state of line and session, for `volet edge status`, and what was published of it",
        Fate.LEFT_OUT,
        why="the chip that runs writes it anew",
    ),
    ListedFile(FIGURES, "`volet edge run`; the latest curves of the neighbourhood, as the collectivity published them", Fate.LEFT_OUT, why="public; newer ones come"),
    ListedFile(f"{SENT}/*.json", "`volet edge run`; how many messages of each kind left on a day, for 100 days", Fate.LEFT_OUT, _YES, "counts go stale; a chip counts anew"),
    ListedFile(SET_ASIDE, "`volet edge run`; hashes of messages that it could not handle", Fate.LEFT_OUT, why="the messages come again"),
    beside_database(VAULT),
    ListedFile(f"{VAULT}.lock", "`volet edge run`; held while the chip runs", Fate.LEFT_OUT, why="made at the start"),
    ListedFile(".lgd-nfy*", "lgpio, by which `volet edge run` drives light and button; a pipe", Fate.LEFT_OUT, why="made at the start"),
    ListedFile(f"{VAULT}.damaged-*", "`volet edge run`; a damaged vault, moved aside", Fate.LEFT_OUT, _YES, "a new one was made of what the cloud holds"),
    ListedFile(f"{IMPORTING}*", "`volet edge import`, while it runs", Fate.LEFT_OUT, _YES, "an import that was interrupted is run again"),
    ListedFile(QUOTE_ORDER.name, "`volet edge quotes --ask`; the order, which the running chip carries out", Fate.LEFT_OUT, _YES, "ask again; the answers are in the vault"),
    ListedFile(SOCKET_NAME, "`volet edge run`; the door to the page, a socket", Fate.LEFT_OUT, why="made at the start"),
    ListedFile(PAIRING.name, "`volet edge page --pair`; the code for a visitor of the page, for five minutes", Fate.LEFT_OUT, _YES, "pair again"),
    ListedFile(f"{PAGE_DIRECTORY}/*.pem", "`volet edge page`; its own authority and certificate", Fate.LEFT_OUT, why="the page makes new ones"),
    ListedFile(f"{PAGE_DIRECTORY}/*.key", "`volet edge page`; their keys, P-256", Fate.LEFT_OUT, _YES, "the page makes new ones"),
    ListedFile(f"{PAGE_DIRECTORY}/{NOT_ENROLLED}", "`volet edge page`; there while the chip is not enrolled yet, for when it does not answer", Fate.LEFT_OUT, why="noted at the next visit"),
    ListedFile(f"{PAGE_DIRECTORY}/{PORT_FILE}", "`volet edge page`; at which port it was started last, for `--show`", Fate.LEFT_OUT, why="noted at the start"),
    ListedFile(f"{PAGE_DIRECTORY}/{SESSIONS}", "`volet edge page`; hashes of the tokens by which its visitors are known", Fate.LEFT_OUT, _YES, "pair again"),
    ListedFile(SEEN.name, "the panel's button, or the page; when the household last looked at bills and letters", Fate.LEFT_OUT, _YES, "look again"),
    ListedFile(ERASE.name, "the panel's button; the order of a household that has left to be erased, which the next start carries out", Fate.LEFT_OUT, why="another household's is refused"),
    ListedFile(REPEATER, "`volet edge repeater` or the page; whether the line is repeated, and the numbers that stand for the true ones", Fate.LEFT_OUT, _YES, "choose again: a restored chip repeats nothing"),
    ListedFile(LINE_SOCKET, "`volet edge repeat-line`, by hand; where the chip calls it, a socket", Fate.LEFT_OUT, why="made at the start"),
    ListedFile(HOME, "`volet edge run` where the smart home is told; the random ids by which the smart home knows the chip, and the energies told", private=_YES),
    ListedFile(HOME_CHOICE.name, "`volet edge home --on`; that this household wants its smart home told", Fate.LEFT_OUT, _YES, "a restored chip may stand in another home; `volet edge home --on`"),
    ListedFile(HOME_LOCK, "`volet edge run`; held while the smart home is told", Fate.LEFT_OUT, why="made at the start"),
    ListedFile(PASSWORD, "you; the password of the home's own broker", private=_YES),
    ListedFile(CONFIRMED.name, "`volet edge confirm`; the index or meter that was confirmed, until the running chip has gone on from it", Fate.LEFT_OUT, _YES, "confirm again"),
)  # fmt: skip


def check(directory: Path) -> str:
    """Read what a chip reads when it starts, and return a description of the chip.

    Raises:
        VoletError: a file is missing or does not fit the others.
    """
    if (directory / IMPORTING).exists():
        raise ConfigError(
            f"An import into {directory} was interrupted; run `volet edge import` again first."
        )
    load_config(directory)
    keys = load_keys(directory)
    load_choices(directory)
    load_kept_curve(directory)
    former_agreements(directory)
    load_contract(directory)
    if not (directory / ENROLMENT).exists():
        return f"a chip that is not enrolled, household {keys.household.id.hex()[:16]}"
    identity = load_identity(directory)
    return f"chip {identity.device} of {identity.collectivity}"


def settle(restored: Path, directory: Path) -> str:
    """Treat what may have happened since the backup as having happened; return notices about it.

    A move-out order is dropped: moving out is final, and the household may have withdrawn it since.
    The line is repeated no longer: whoever lives with the chip now may not have chosen that.
    """
    today = legal_day(datetime.now(UTC))
    destroy_expired(restored / "keys", today)
    for place in (restored, directory):
        forget_repeater(place)
    was_on = [HOME_CHOICE.withdraw(place) for place in (restored, directory)]
    notices = []
    if any(was_on) or (restored / HOME).exists():
        notices.append(home_is_off())
    is_vault_back = (restored / VAULT).exists()
    if departure_of(restored) is None:
        # The vault may be restored alone, next to an order that a later vault had carried out.
        places = [restored, directory] if is_vault_back else [restored]
        withdrawn = [MOVE_OUT.withdraw(place) for place in places]
        if any(withdrawn):
            notices.append(order_dropped())
    if is_vault_back and put_back(
        restored / VAULT, today, read_release_tokens(restored, directory)
    ):
        notices.append(receipts_wait())
    return " ".join(notices)


def _locate(directory: Path, name: str) -> Path:
    return key_path(directory, name.removeprefix("keys/")) if "keys/" in name else directory / name


CHIP = Party(
    name="edge",
    title="a chip",
    whose="The chip's",
    directory=DEFAULT_DIRECTORY,
    files=FILES,
    last=ENROLMENT,
    check=check,
    locate=_locate,
    settle=settle,
    next_step=next_step,
    words=words,
)
