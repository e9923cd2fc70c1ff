"""Who has been let in stays so for thirty days of use, and no longer."""

from datetime import UTC, datetime, timedelta

import pytest

from edge.household.visitors import VisitorRole
from edge.page.sessions import FILE_NAME, LASTS, SESSIONS_MAX, Sessions, form_token
from protocol.errors import ConfigError
from tests.support.disks import full_disk

HOUSEHOLD, ANOTHER = "ab" * 8, "cd" * 8
NOW = datetime(2026, 11, 30, 7, tzinfo=UTC)


class Page:
    def __init__(self, directory):
        self.directory, self.at = directory, NOW

    def sessions(self):
        """The sessions as the page has them after any restart."""
        return Sessions(self.directory, lambda: self.at)


@pytest.fixture
def page(tmp_path):
    return Page(tmp_path)


def test_a_token_opens_its_session_after_a_restart_and_no_other_does(page):
    token = page.sessions().begin(VisitorRole.VIEWER, HOUSEHOLD, "a browser\n")
    session = page.sessions().of(token)
    assert session is not None
    assert (session.role, session.browser) == (VisitorRole.VIEWER, "a browser")
    assert page.sessions().of(token[:-1]) is None
    assert page.sessions().of("") is None


def test_a_session_is_seen_at_each_use_and_written_hourly(page):
    sessions = page.sessions()
    token = sessions.begin(VisitorRole.OWNER, HOUSEHOLD, "")
    written = (page.directory / FILE_NAME).read_bytes()
    page.at += timedelta(minutes=59)
    assert sessions.of(token).seen == page.at
    assert sessions.all()[0].seen == page.at
    assert (page.directory / FILE_NAME).read_bytes() == written
    page.at += timedelta(minutes=1)
    assert sessions.of(token).seen == page.at
    assert page.sessions().all()[0].seen == page.at, "after a restart too"


def test_the_file_lets_nobody_in(page):
    token = page.sessions().begin(VisitorRole.OWNER, HOUSEHOLD, "")
    path = page.directory / FILE_NAME
    assert path.stat().st_mode & 0o777 == 0o600
    assert token not in path.read_text()
    kept = page.sessions().all()[0]
    assert page.sessions().of(kept.token_hash) is None
    assert page.sessions().of(kept.name) is None


def test_a_session_that_is_used_goes_on_and_one_that_is_not_ends(page):
    used, left = (page.sessions().begin(VisitorRole.OWNER, HOUSEHOLD, "") for _ in range(2))
    page.at += LASTS - timedelta(days=1)
    assert page.sessions().of(used)
    page.at += timedelta(days=2)
    assert page.sessions().of(used)
    assert page.sessions().of(left) is None
    assert len(page.sessions().all()) == 1


def test_beyond_the_most_the_one_used_least_recently_ends(page):
    first = page.sessions().begin(VisitorRole.OWNER, HOUSEHOLD, "")
    for _ in range(SESSIONS_MAX):
        page.at += timedelta(hours=2)
        page.sessions().begin(VisitorRole.OWNER, HOUSEHOLD, "")
    assert page.sessions().of(first) is None
    assert len(page.sessions().all()) == SESSIONS_MAX


def test_with_the_first_visitor_of_another_household_those_of_the_former_end(page):
    former = page.sessions().begin(VisitorRole.OWNER, HOUSEHOLD, "a browser")
    page.sessions().begin(VisitorRole.OWNER, ANOTHER, "")
    assert page.sessions().of(former) is None
    assert "a browser" not in (page.directory / FILE_NAME).read_text()


@pytest.mark.parametrize("damage", [b"{", b"[1]", b'[{"token_hash": "x"}]'])
def test_a_damaged_file_lets_nobody_in(page, damage):
    token = page.sessions().begin(VisitorRole.OWNER, HOUSEHOLD, "")
    (page.directory / FILE_NAME).write_bytes(damage)
    assert page.sessions().of(token) is None
    assert page.sessions().begin(VisitorRole.OWNER, HOUSEHOLD, "")


def test_a_file_that_cannot_be_written_shuts_nobody_out(page):
    sessions = page.sessions()
    token = sessions.begin(VisitorRole.OWNER, HOUSEHOLD, "")
    (page.directory / FILE_NAME).unlink()
    (page.directory / FILE_NAME).mkdir()
    page.at += timedelta(days=1)
    assert sessions.of(token) is not None


def test_on_a_full_disk_a_visitor_is_let_in_and_one_who_is_ended_does_not_come_back(page):
    sessions = page.sessions()
    ended = sessions.begin(VisitorRole.OWNER, HOUSEHOLD, "")
    with full_disk():
        token = sessions.begin(VisitorRole.OWNER, HOUSEHOLD, "")
        assert sessions.of(token) is not None
        assert sessions.end(sessions.of(ended).name)
        assert sessions.of(ended) is None
        assert page.sessions().of(ended) is None, "after a restart"
    page.at += timedelta(days=1)
    assert sessions.of(token) is not None
    assert page.sessions().of(token) is not None, "kept as soon as there is room"


def test_an_end_that_cannot_be_kept_is_told(page):
    sessions = page.sessions()
    token = sessions.begin(VisitorRole.OWNER, HOUSEHOLD, "")
    (page.directory / FILE_NAME).unlink()
    (page.directory / FILE_NAME).mkdir()
    with pytest.raises(ConfigError, match="cannot be written"):
        sessions.end(sessions.of(token).name)
    assert sessions.of(token) is None


def test_each_session_has_forms_of_its_own():
    assert form_token("a") != form_token("b")
