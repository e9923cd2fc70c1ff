"""Put right as the page says, and billed after it: contracts, a wrong meter, a revoked chip."""

from pathlib import Path

import pytest

from tests.integration.test_how_to_pages import OFFER, STORED, WEEK, run, town
from tests.support.made_once import made_once
from tests.support.terminal import Terminal, machine
from tests.support.typed_page import HOW_TO, Step

PAGE = HOW_TO / "put-right.md"
OFFER_DAYS = "2026-03-01", "2026-03-06"
RIGHT = "checked by your own chip: correct."
METER, WRONG = "041661524228", "041661524220"
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
CALENDAR = "The meter counts by another calendar"
# A bill that was refused ends the command with 3.
REFUSED = (("$ volet edge bills  # a minute", "$ volet edge bills || test $? = 3  # a minute"),)

pytestmark = pytest.mark.usefixtures("mosquitto_available")


@pytest.fixture(scope="module")
def collectivity(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A machine with a collectivity and an offer."""

    def found(root: Path) -> None:
        with machine(root) as typing:
            run(typing, *OFFER)
            typing.type_page(HOW_TO / "enrol.md", until="The chip")

    return made_once(tmp_path_factory, "collectivity", found)


def take_a_contract(typing: Terminal, meter: str, faults: str = "") -> None:
    """Enrol a chip with a contract for `meter`, and let it meter a week with what goes wrong."""
    request = f"volet edge request --offer offer.json --meter {meter} --from 2026-03-01"
    run(typing, "volet edge init", f"{request} --out request.json")
    run(typing, "volet cloud enrol request.json --out enrolment.json")
    run(typing, "volet edge enrol enrolment.json")
    week = [each.replace("--link", f"--faults '{faults}' --link") for each in WEEK]
    run(typing, *week, CHIP, f"{STORED}  # later")


def ask(typing: Terminal, start: str, end: str) -> None:
    """Have the provider ask under the latest contract."""
    latest = "$(volet provider contracts | tail -n 1 | cut -d ' ' -f 1)"
    run(typing, "volet provider accept --all")
    run(typing, f"volet provider bill --from {start} --to {end} --contract {latest}")


def bill(typing: Terminal, expected: str) -> None:
    """Have the provider ask under the latest contract; the chip must say what is expected."""
    ask(typing, *OFFER_DAYS)
    said = f"Bill for 2026-03-01 to 2026-03-05: {expected}"
    typing.type_step(Step("volet edge bills || test $? = 3  # later", ["…", said, "…"]))


@pytest.mark.long
def test_a_contract_for_a_wrong_meter(collectivity: Path, tmp_path: Path):
    with town(collectivity, tmp_path / "machine") as typing:
        take_a_contract(typing, WRONG)
        bill(typing, "refused.")
        assert (
            typing.type_page(PAGE, (*REFUSED, *BY_HAND), until="A wrong meter was confirmed") == 6
        )
        bill(typing, RIGHT)
        run(typing, "volet edge bills")


@pytest.mark.long
def test_a_wrong_meter_that_was_taken_for_the_own_one(collectivity: Path, tmp_path: Path):
    with town(collectivity, tmp_path / "machine") as typing:
        take_a_contract(typing, METER, "other=2026-03-04T06:00/2026-03-05T18:00")
        ask(typing, "2026-03-01", "2026-03-09")
        count = typing.type_page(PAGE, REFUSED, since="A wrong meter was confirmed", until=CALENDAR)
        assert count == 4


@pytest.mark.long
def test_a_meter_that_counts_by_another_calendar(collectivity: Path, tmp_path: Path):
    with town(collectivity, tmp_path / "machine") as typing:
        take_a_contract(typing, METER, "calendar=2026-03-05/base")
        tariff = "volet provider tariff regulated --option base --kva 9 --since 2026-02-01"
        run(typing, f"{tariff} --out base/", "volet provider offer --out base.json base/*.json")
        assert typing.type_page(PAGE, BY_HAND, since=CALENDAR, until="The chip is revoked") == 5
        run(typing, "volet provider accept --all")
        for start, end in (("2026-03-01", "2026-03-05"), ("2026-03-05", "2026-03-09")):
            contract = f"$(volet provider contracts | grep 'from {start}' | cut -d ' ' -f 1)"
            run(typing, f"volet provider bill --from {start} --to {end} --contract {contract}")
        said = [f"Bill for 2026-03-01 to 2026-03-04: {RIGHT}", "…"]
        said += [f"Bill for 2026-03-05 to 2026-03-08: {RIGHT}", "…"]
        typing.type_step(Step("volet edge bills  # later", ["…", *said]))


@pytest.mark.long
def test_a_revoked_chip(collectivity: Path, tmp_path: Path):
    with town(collectivity, tmp_path / "machine") as typing:
        take_a_contract(typing, METER)
        device = "$(volet cloud devices | grep -oE '\\b[a-z2-7]{26}\\b')"
        run(typing, f"volet cloud revoke --broker /etc/mosquitto/volet {device}")
        assert typing.type_page(PAGE, BY_HAND, since="The chip is revoked") == 13
        bill(typing, RIGHT)
        run(typing, "volet edge bills")
