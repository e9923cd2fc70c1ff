"""The operator's view of the key list: each key, its days, and what it is good for."""

import json
from datetime import UTC, datetime, timedelta

from click.testing import CliRunner

from cloud.registry.key_files import load_key_list
from cloud.registry.key_states import keys_on_list
from cloud.registry.roll_over import (
    roll_over_issuer,
    roll_over_platform,
    roll_over_registrar,
    roll_over_root,
)
from cloud.roster import registrar
from protocol.calendar import legal_day
from tests.support.broker import COLLECTIVITY, make_cloud
from volet.main import volet

NOW = datetime.now(UTC)
TODAY = legal_day(NOW)
DAY = timedelta(days=1)


def states(cloud, key, now=NOW):
    return [each.state for each in keys_on_list(load_key_list(cloud), now) if each.key == key]


def test_a_platform_key_waits_signs_counts_and_ends(tmp_path):
    cloud = tmp_path / "cloud"
    make_cloud(cloud)
    assert states(cloud, "platform") == ["signs"]
    begins, ends = roll_over_platform(cloud, cloud / "root", NOW)
    assert states(cloud, "platform") == ["signs", "waits"]
    assert states(cloud, "platform", NOW + (begins - TODAY)) == ["counts", "signs"]
    assert states(cloud, "platform", NOW + (ends - TODAY)) == ["ended", "signs"]
    old, new = keys_on_list(load_key_list(cloud), NOW)[:2]
    assert (old.begins, old.ends) == (None, ends)
    assert (new.begins, new.ends) == (begins, None)


def test_issuers_and_roots_count_until_they_end_or_are_withdrawn(tmp_path):
    cloud = tmp_path / "cloud"
    make_cloud(cloud)
    roll_over_issuer(cloud, cloud / "root", NOW)
    assert states(cloud, "issuer") == ["counts", "signs"]
    assert states(cloud, "issuer", NOW + 801 * DAY)[0] == "ended"
    roll_over_issuer(cloud, cloud / "root", NOW, withdraws=True)
    assert states(cloud, "issuer") == ["withdrawn", "withdrawn", "signs"]
    roll_over_root(cloud, cloud / "root", tmp_path / "stick", NOW)
    assert states(cloud, "root") == ["counts", "signs"]


def test_the_command_shows_each_key(tmp_path):
    cloud = tmp_path / "cloud"
    make_cloud(cloud)
    registrar.draw(tmp_path / "one")
    succession = registrar.succeed(tmp_path / "one", tmp_path / "two", COLLECTIVITY, TODAY)
    roll_over_registrar(cloud, cloud / "root", succession)
    arguments = ["cloud", "keys", "--dir", str(cloud)]
    shown = CliRunner().invoke(volet, arguments, catch_exceptions=False).output
    for line in ("platform 1", "registrar 1", "registrar 2", "issuer 1", "root 1"):
        assert line in shown
    listed = json.loads(CliRunner().invoke(volet, [*arguments, "--json"]).output)
    assert [(each["key"], each["state"]) for each in listed] == [
        ("platform", "signs"),
        ("registrar", "ended"),
        ("registrar", "signs"),
        ("issuer", "signs"),
        ("root", "signs"),
    ]
    assert listed[2]["begins"] == listed[1]["ends"] == str(TODAY)
