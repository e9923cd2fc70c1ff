"""A household that leaves takes the ids and the password of its smart home off the chip."""

from edge.contracts.enrolling import draw_keys
from edge.home.record import FILE_NAME, new_record, read_record, write_record
from edge.home.settings import PASSWORD
from edge.moving.erasing import erase


def test_erasing_destroys_ids_and_password(tmp_path):
    draw_keys(tmp_path)
    write_record(tmp_path, new_record())
    (tmp_path / PASSWORD).write_text("a word of the home")
    erase(tmp_path)
    assert not (tmp_path / FILE_NAME).exists()
    assert not (tmp_path / PASSWORD).exists()


def test_no_two_homes_have_the_same_id(tmp_path):
    assert read_record(tmp_path) is None
    assert len({new_record().id for _ in range(100)}) == 100
