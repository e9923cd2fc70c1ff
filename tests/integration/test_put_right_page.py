"""A contract for a wrong meter and a revoked chip, put right as the page says, and billed after it."""

from pathlib import Path

import pytest

from tests.integration.test_how_to_pages import OFFER, STORED, WEEK, run
from tests.support.terminal import Terminal, machine
from tests.support.typed_page import HOW_TO, Step

PAGE = HOW_TO / "put-right.md"
OFFER_DAYS = "2026-03-01", "2026-03-06"
RIGHT = "checked by your own chip: correct."
WRONG = "041661524220"
CHIP = "volet edge run 2>> chip.log & chip=$!"
STOP = "{ kill $chip; wait $chip || true; }"
# The page is for a chip under systemd, which this machine has not.
BY_HAND = (
    ('$ sudo systemctl restart "volet-edge@$USER"', f"$ {STOP} 2> stop.log; {CHIP}"),
    ('$ sudo systemctl stop "volet-edge@$USER"', f"$ {STOP} 2> stop.log"),
    ('$ sudo systemctl start "volet-edge@$USER"', f"$ {CHIP}"),
    ("$ sudo ", "$ "),
    ('-o "$USER" ', ""),
)

pytestmark = pytest.mark.usefixtures("mosquitto_available")


def take_a_contract(typing: Terminal, meter: str) -> None:
    """Enrol a chip with a contract for `meter`, and let it meter a week."""
    run(typing, *OFFER)
    typing.type_page(HOW_TO / "enrol.md", until="The chip")
    request = f"volet edge request --offer offer.json --meter {meter} --from 2026-03-01"
    run(typing, "volet edge init", f"{request} --out request.json")
    run(typing, "volet cloud enrol request.json --out enrolment.json")
    run(typing, "volet edge enrol enrolment.json")
    run(typing, *WEEK, CHIP, f"{STORED}  # later")


def bill(typing: Terminal, expected: str) -> None:
    """Have the provider ask under the latest contract; the chip must say what is expected."""
    start, end = OFFER_DAYS
    latest = "$(volet provider contracts | tail -n 1 | cut -d ' ' -f 1)"
    run(typing, "volet provider accept --all")
    run(typing, f"volet provider bill --from {start} --to {end} --contract {latest}")
    said = f"Bill for 2026-03-01 to 2026-03-05: {expected}"
    typing.type_step(Step("volet edge bills || test $? = 3  # later", ["…", said, "…"]))


def test_a_contract_for_a_wrong_meter(tmp_path: Path):
    with machine(tmp_path / "machine") as typing:
        take_a_contract(typing, WRONG)
        bill(typing, "refused.")
        # Here a bill that was refused ends the command with 3.
        page = (("$ volet edge bills  #", "$ volet edge bills || test $? = 3  #"), *BY_HAND)
        assert typing.type_page(PAGE, page, until="The chip is revoked") == 6
        bill(typing, RIGHT)
        run(typing, "volet edge bills")


def test_a_revoked_chip(tmp_path: Path):
    with machine(tmp_path / "machine") as typing:
        take_a_contract(typing, "041661524228")
        device = "$(volet cloud devices | grep -oE '\\b[a-z2-7]{26}\\b')"
        run(typing, f"volet cloud revoke --broker /etc/mosquitto/volet {device}")
        assert typing.type_page(PAGE, BY_HAND, since="The chip is revoked") == 13
        bill(typing, RIGHT)
        run(typing, "volet edge bills")
