"""A trustee's commands: keys are drawn once, documents are shown before they are signed."""

import json

import msgspec
import pytest
from click.testing import CliRunner

from cloud.release.pages import cosigned_pages
from protocol.errors import ConfigError, DocumentRefused
from protocol.governance import CosignedDocument, draw_up, fingerprint
from protocol.governance import Trustee as PublicTrustee
from tests.support.trustee_area import COLLECTIVITY, TrusteeArea
from trustee import directory as places
from trustee.commands.table import trustee as group
from trustee.core import TrusteeCore
from trustee.log import TrusteeLog


def run(*args, **options):
    result = CliRunner().invoke(group, [str(each) for each in args], **options)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.fixture
def home(tmp_path):
    directory = tmp_path / "trustee"
    init(directory)
    return directory


def init(directory, name="trustee-a"):
    options = ("--collectivity", COLLECTIVITY, "--name", name, "--title", 'The "first"')
    return run("init", "--dir", directory, *options, "--broker-host", "localhost")


@pytest.fixture
def area(home):
    area = TrusteeArea(homes=0, far=0)
    identities = [places.load_identity(home), *area.identities[1:]]
    return TrusteeArea(homes=0, far=0, identities=identities)


def write(path, cosigned):
    path.write_bytes(msgspec.json.encode(cosigned))
    return path


def test_keys_are_drawn_once_closed_and_public_is_what_the_set_needs(home):
    before = {path.name: path.read_bytes() for path in home.iterdir()}
    assert "The keys are there" in init(home).output
    assert {path.name: path.read_bytes() for path in home.iterdir()} == before
    assert (home / places.SIGNING_KEY).stat().st_mode & 0o777 == 0o600
    public = msgspec.json.decode((home / places.PUBLIC_NAME).read_bytes(), type=PublicTrustee)
    assert public == places.load_identity(home).public
    assert public.title == 'The "first"'


def test_directory_of_another_trustee_is_left_alone(home):
    with pytest.raises(ConfigError, match="trustee-a's"):
        init(home, "trustee-b")
    assert places.load_config(home).name == "trustee-a"


@pytest.mark.parametrize("name", ["worker", "trustee-A", "trustee-", "trustee-a/b"])
def test_names_that_are_no_trustee_s_are_refused(tmp_path, name):
    with pytest.raises(ConfigError):
        init(tmp_path / "x", name)


def test_without_a_certificate_it_does_not_run(home):
    with pytest.raises(ConfigError, match="volet trustee install"):
        places.link_settings(home)


def test_a_document_is_shown_in_words_and_signed_only_if_agreed(home, area, tmp_path):
    path = write(tmp_path / "set.json", draw_up(area.set))
    refused = run("sign", "--dir", home, path, input="n\n")
    assert refused.exit_code == 1
    assert "3 of 4 of them open a sum" in refused.output
    assert fingerprint(area.signed_set) in refused.output
    assert msgspec.json.decode(path.read_bytes(), type=CosignedDocument).signatures == ()
    run("sign", "--dir", home, path, "--yes")
    signed = msgspec.json.decode(path.read_bytes(), type=CosignedDocument)
    assert signed.is_signed_by("trustee-a", area.set.trustees[0].signing_key)
    measures = write(tmp_path / "measures.json", area.signed_measures)
    shown = run("sign", "--dir", home, measures, "--yes").output
    assert "at most epsilon 4.3 against any other day" in shown
    assert "no set of fewer than 6 households" in shown


def test_what_breaks_a_rule_or_names_other_keys_is_not_signed(home, area, tmp_path):
    strangers = TrusteeArea(homes=0, far=0)
    for cosigned in (
        draw_up(strangers.set),
        draw_up(area.measures_of(collectivity="elsewhere")),
        draw_up(area.measures_of(measures=())),
        CosignedDocument("Something", b"\x90", ()),
    ):
        path = write(tmp_path / "document.json", cosigned)
        with pytest.raises(DocumentRefused):
            run("sign", "--dir", home, path, "--yes")
        assert msgspec.json.decode(path.read_bytes(), type=CosignedDocument) == cosigned
    path.write_bytes(b"no document")
    with pytest.raises(DocumentRefused):
        run("sign", "--dir", home, path, "--yes")


def test_confirm_compares_with_the_set_that_waits(home, area):
    kept = TrusteeLog.open(home)
    trustee = TrusteeCore(places.load_identity(home), kept, lambda: area.today)
    trustee.take(cosigned_pages(area.signed_set)[0])
    status = json.loads(run("status", "--dir", home, "--json").output)
    assert status["waiting"] == fingerprint(area.signed_set)
    with pytest.raises(DocumentRefused, match="another fingerprint"):
        run("confirm", "--dir", home, "AAAA " * 6)
    assert "within a minute" in run("confirm", "--dir", home, status["waiting"].lower()).output
    trustee.check_confirmation()
    kept.close()
    status = json.loads(run("status", "--dir", home, "--json").output)
    assert (status["documents"], status["waiting"]) == (1, "")
    assert "trustee-a of testville" in run("status", "--dir", home).output


def test_log_of_nothing_is_whole(home):
    TrusteeLog.open(home).close()
    assert "chain of 0 entries is whole" in run("log", "--dir", home).output
