"""Sets a chip's card back to an image of the vault's files, or to a backup of the chip."""

import shutil
from pathlib import Path

from edge.commands.directory import CHIP
from edge.vault.database import FILE_NAME
from tests.support.backups import back_up, restore
from tests.support.kill_town import Household


def copy_vault(household: Household, to: Path) -> None:
    """Copy the vault's files."""
    to.mkdir(parents=True)
    for path in household.directory.glob(f"{FILE_NAME}*"):
        shutil.copy2(path, to)


def replace_vault(household: Household, image: Path | None) -> None:
    """Replace the vault's files by an image's, or with None remove them."""
    for path in household.directory.glob(f"{FILE_NAME}*"):
        path.unlink()
    if image is not None:
        shutil.copytree(image, household.directory, dirs_exist_ok=True)


def back_chip_up(household: Household, out: Path) -> None:
    """Back up a chip while it runs."""
    out.parent.mkdir(exist_ok=True)
    assert back_up(household.directory, out, CHIP).unknown == ("answer.json", "curve.csv")


def replace_chip(household: Household, backup: Path) -> None:
    """Lose a chip's card and restore its backup; its meter stays unchanged."""
    curve = (household.directory / "curve.csv").read_bytes()
    shutil.rmtree(household.directory)
    restore(backup, household.directory, CHIP)
    (household.directory / "curve.csv").write_bytes(curve)
