"""Four trustees as processes at a real broker over TLS: asked, stopped, killed, restored."""

import re
import shutil
import signal

import numpy as np
import pytest

from cloud.release.pages import request_pages
from protocol.area_cipher import from_bytes
from protocol.governance import fingerprint
from protocol.trustee_messages import Answer, Ask, Refused
from system.backup.listing import survey
from system.console import counted
from tests.support.broker import running_broker
from tests.support.trustee_town import DYING, WITHIN_S, TrusteeTown
from trustee import database
from trustee.days import today_number
from trustee.files import TRUSTEE

TABLES = re.findall(r"CREATE TABLE (\w+)", database._TABLES)
ALIKE = {
    "sealing_key": "there are some from the first start on",
}


@pytest.mark.long
def test_four_processes_of_which_one_stops_one_is_killed_and_one_restored(tmp_path):
    with running_broker(tmp_path / "cloud") as broker:
        town = TrusteeTown(broker, tmp_path)
        try:
            _story(town)
        finally:
            town.close()


def _story(town):
    area, day = town.area, today_number()
    request = area.request(day=day)
    other = area.request(area.near[1:], day=day)
    _set_up(town)
    check = area.request(ask=Ask.CHECK, day=day)
    checks = [town.ask(number, check) for number in (0, 1, 2)]
    masks = {number: from_bytes(data) for each in checks for number, data in each.sums}
    last = np.array([each.masked(area.signed_measures.hash, day)[-1] for each in area.near])
    assert (last - sum(masks.values()) == 1).all()
    town.restart(0, signal.SIGKILL, is_ready=True)

    # A backup of the second, that knows of the check, and not of the sum. The third goes away.
    key = str(town.folder / "backup.key")
    town.volet(1, "backup-key", "--out", key, is_at_home=False)
    town.volet(1, "backup", "--out", str(town.folder / "image"), "--to", f"{key}.pub")
    # So the logs of two contain the request for the sum, and they wait for the fourth.
    assert town.stop(2) == 0
    for number in (0, 1):
        town.send(number, *request_pages(request))
        town.wait_answered(number, 2)
    town.restart(0, signal.SIGKILL)
    assert town.ask(1, request).reason == "not_ready"

    since = [len(town.responses(number)) for number in (0, 1)]
    answers = {3: _killed_between_writing_and_answering(town, 3, request)}
    answers[1] = town.answer(1, request, since[1])
    town.wait_ready(0, since[0])
    answers[0] = town.ask(0, request)
    assert all(isinstance(each, Answer) for each in answers.values())
    assert town.ask(0, request) == answers[0]
    assert town.ask(0, other).reason == "conflict"
    expected = np.sum([each.values for each in area.near], axis=0)
    assert (area.opened(area.near, answers, day) == expected).all()

    town.restart(0, signal.SIGTERM, is_ready=True)
    assert town.ask(0, request) == answers[0]
    _restored(town, 1, request, other, answers[1])
    alike = [each for each in TABLES if {(each, True), (each, False)} - town.started_from]
    assert alike == list(ALIKE), "start a trustee again with and without it"
    for number in range(4):
        status = town.status(number)
        assert {each["offender"] for each in status["alarms"]} <= {"collectivity"}
        assert bool(status["alarms"]) == (number in (0, 1))
        chain = counted(status["answered"], "entry", "entries")
        assert f"chain of {chain} is whole" in town.volet(number, "log")
        said = town.log(number)
        assert "answer_logged" in said
        for home in area.near:
            assert home.device not in said
            assert home.key.hex() not in said


def _set_up(town):
    """Bring three of them from nothing to where they answer; one starts again at each step."""
    town.publish_letters()
    for number in (0, 1, 2):
        town.start(number)
    for number in (0, 1, 2):
        town.wait_there(number)
    town.restart(0, signal.SIGKILL)
    for number in (0, 1, 2):
        town.teach(number)
    for number in (0, 1, 2):
        town.wait_waiting(number)
    town.restart(0, signal.SIGTERM)
    for number in (0, 1, 2):
        town.volet(number, "confirm", fingerprint(town.area.signed_set))
    for number in (0, 1, 2):
        town.wait_set(number)
    town.restart(0, signal.SIGKILL)
    for number in (0, 1, 2):
        town.teach(number)
    for number in (0, 1, 2):
        town.wait_ready(number)
        town.wait_seeds(number)
    town.restart(0, signal.SIGTERM, is_ready=True)


def _killed_between_writing_and_answering(town, number, request):
    """Die of SIGKILL after the entry is on the disk; later the same request gives its answer."""
    town.volet(number, "confirm", fingerprint(town.area.signed_set))
    dying = town.start(number, DYING)
    town.wait_there(number)
    town.teach(number)
    town.wait_ready(number)
    town.wait_seeds(number)
    town.send(number, *request_pages(request))
    assert dying.wait(WITHIN_S) == -signal.SIGKILL
    assert town.status(number)["answered"] == 1
    since = len(town.responses(number))
    town.start(number)
    town.wait_ready(number, since)
    answer = town.ask(number, request)
    if isinstance(answer, Refused):  # what the broker sent again came before it was ready
        answer = town.ask(number, request)
    assert isinstance(answer, Answer)
    assert town.ask(number, request) == answer
    assert town.status(number)["answered"] == 1
    return answer


def _restored(town, number, request, other, before):
    assert town.status(number)["answered"] == 2
    assert town.stop(number) == 0
    assert survey(TRUSTEE, town.directory(number)).unknown == ()
    shutil.rmtree(town.directory(number))
    key = str(town.folder / "backup.key")
    said = town.volet(number, "restore", str(town.folder / "image"), "--key", key, "--yes")
    assert "It answers nothing before enough of the others have told it" in said
    assert town.status(number)["answered"] == 1
    since = len(town.responses(number))
    town.start(number)
    town.wait_ready(number, since)
    assert town.status(number)["answered"] == 2
    assert town.ask(number, other).reason == "conflict"
    assert town.ask(number, request) == before
