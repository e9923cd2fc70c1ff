"""Images of a chip's card: the vault's files, copied and put back."""

import shutil
from pathlib import Path

from edge.vault.database import FILE_NAME
from tests.support.kill_town import Household


def copy_vault(household: Household, to: Path) -> None:
    """Copy the vault's files as they are."""
    to.mkdir(parents=True)
    for path in household.directory.glob(f"{FILE_NAME}*"):
        shutil.copy2(path, to)


def replace_vault(household: Household, image: Path | None) -> None:
    """Put an image's files in place of the vault's; None: leave nothing."""
    for path in household.directory.glob(f"{FILE_NAME}*"):
        path.unlink()
    if image is not None:
        shutil.copytree(image, household.directory, dirs_exist_ok=True)
