"""One household's history with its chip, and copies of the chip's directory in every state.

Everything happens in one process with a real vault and the cloud's own ingest. Changes that another
program would make to the directory meanwhile (a command, a lost card) are made here.
"""

from datetime import datetime
from pathlib import Path

import msgspec

from edge.vault.database import SCHEMA_VERSION
from protocol.contract import Consent
from tests.support.restart_bills import get_bills
from tests.support.restart_lanes import (
    ask_for_quotes,
    begin,
    follow_the_list,
    keep_a_year,
    repeat_the_line,
    take_part_in_the_area,
    tell_a_smart_home,
)
from tests.support.restart_losses import disagree, follow_the_keys, lose_keys, lose_the_vault
from tests.support.restart_moves import come_to_another_chip, keep_older_versions, leave
from tests.support.restart_recorder import Image, Recorder

# In the order of the story.
STATES = (
    "enrolled",
    "begun_without_a_network",
    "a_day_in_the_clear",
    "caught_up",
    "contribution_unsent",
    "block_superseded",
    "contribution_stored",
    "contribution_refused",
    "contribution_missed",
    "quotes_ordered",
    "quotes_ordered_for_later",
    "quotes_wait_for_the_list",
    "list_without_its_documents",
    "quotes_asked",
    "list_contradicted",
    "quotes_answered",
    "letter_kept",
    "letter_looked_at",
    "statement_not_judged",
    "bill_without_a_receipt",
    "statement_refused",
    "receipt_waits_for_blocks",
    "judged_before_meters_counted",
    "judged_before_the_meter_was_known",
    "receipt_unsent",
    "receipt_leaves_later",
    "receipt_stored",
    "curve_kept_for_a_year",
    "smart_home_told",
    "line_repeated",
    "year_keys_lost",
    "year_keys_came_back",
    "key_list_taken",
    "key_list_contradicted",
    "index_in_quarantine",
    "index_confirmed",
    "other_meter_on_the_line",
    "other_meter_confirmed",
    "bill_corrected",
    "vault_lost",
    "recovery_under_way",
    "metering_to_be_restored",
    "judgement_postponed",
    "receipt_in_doubt",
    "word_said",
    "metering_restored",
    "statement_differs",
    "two_statements_differ",
    "statement_agrees_after_all",
    "household_is_asked",
    "leave_ordered",
    "left_and_not_told",
    "left_and_told",
    "last_receipt_unsent",
    "last_bill",
    "exported",
    "another_is_to_be_erased",
    "come_to_another_chip",
    "goes_on_on_another_chip",
    "erased_for_others",
    *(f"vault_of_version_{version}" for version in range(1, SCHEMA_VERSION)),
    "offer_beside_its_contract",
)

_IMAGES = "images.json"


class Story(Recorder):
    """A household's whole history."""

    def play(self) -> None:
        """Play the whole history."""
        self.shoot("enrolled")
        begin(self)
        take_part_in_the_area(self)
        follow_the_list(self)
        ask_for_quotes(self)
        get_bills(self)
        keep_a_year(self)
        tell_a_smart_home(self)
        repeat_the_line(self)
        lose_keys(self)
        follow_the_keys(self)
        lose_the_vault(self)
        disagree(self)
        leave(self)
        come_to_another_chip(self)
        keep_older_versions(self)


def tell(directory: Path, consent: Consent) -> None:
    """Play a household's whole history in a new directory; what is left of it are the images."""
    story = Story(directory, consent)
    story.play()
    story.kill()
    story.cloud.store.close()
    (directory / _IMAGES).write_bytes(
        msgspec.json.encode(
            {state: (each.directory.name, each.at) for state, each in story.images.items()}
        )
    )


def images_of(directory: Path) -> dict[str, Image]:
    """Return the images of a history that was told, by state."""
    told = msgspec.json.decode(
        (directory / _IMAGES).read_bytes(), type=dict[str, tuple[str, datetime]]
    )
    return {state: Image(directory / "images" / name, at) for state, (name, at) in told.items()}
