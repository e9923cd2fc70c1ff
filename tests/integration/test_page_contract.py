"""Another contract on the page of an enrolled chip: what an offer says, and who may ask for it."""

import html
import re
import shlex
from datetime import timedelta

import msgspec
import pytest
from click.testing import CliRunner

from edge.commands.table import edge
from edge.household.contracts import OFFERS
from edge.household.visitors import VisitorRole
from edge.language.choice import Lang
from edge.page.contract import SEE_OFFER, WAITING
from edge.page.guards import BODY_BYTES_MAX
from edge.stage import REQUEST
from tests.support.billing_home import BillingHome, signed_offer
from tests.support.lived_home import lived_home
from tests.support.page_process import patiently, sent_patiently

HOSTILE = "<script src=/static/page.js>alert(1)</script>"
OFFER = msgspec.json.encode(signed_offer(name=HOSTILE))


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    chip = BillingHome(tmp_path_factory.mktemp("town") / "home")
    chip.start()
    chip.live(2)
    with lived_home(chip) as home:
        yield home


def send(home, visitor, offer=OFFER, headers=None, **changes):
    """Send the form of the page with a file, as a browser does."""
    page = patiently(lambda: visitor.get("/etat")).text
    token = page.split('name="form" value="')[1].split('"')[0]
    start = (home.chip.first + timedelta(days=10)).isoformat()
    fields = {"form": token, "start": start, "consent": "", "follows": ""} | changes
    form = {name: text for name, text in fields.items() if text is not None}
    files = {"offer": ("offer.json", offer, "application/json")}
    origin = headers or home.page.origin
    return sent_patiently(
        visitor, lambda: visitor.post(SEE_OFFER, data=form, files=files, headers=origin)
    )


def kept(home):
    return sorted(home.chip.directory.glob(OFFERS))


def test_an_offer_is_seen_signed_at_the_chip_and_its_request_saved_from_the_page(home):
    before = (home.chip.directory / REQUEST).read_bytes()
    with home.visitor() as visitor:
        form = patiently(lambda: visitor.get("/accords")).text
        assert f'action="{SEE_OFFER}"' in form
        assert patiently(lambda: visitor.get(WAITING)).status_code == 404
        seen = send(home, visitor)
        assert seen.status_code == 200, seen.text
        assert html.escape(HOSTILE) in seen.text
        assert HOSTILE not in seen.text
        (command,) = re.findall(r"<code>(volet edge request [^<]*)</code>", seen.text)
        assert (home.chip.directory / REQUEST).read_bytes() == before, "nothing is signed yet"
        done = CliRunner().invoke(edge, shlex.split(html.unescape(command))[2:])
        assert done.exit_code == 0, done.output
        waits = patiently(lambda: visitor.get("/accords")).text
        assert f'href="{WAITING}"' in waits
        assert "volet edge enrol ENROLMENT.json" in waits
        saved = patiently(lambda: visitor.get(WAITING))
        assert saved.content == (home.chip.directory / REQUEST).read_bytes()


@pytest.mark.parametrize("kind", ["too large", "too large, and does not say so", "cut off"])
def test_a_file_that_is_not_taken_whole_is_refused_as_any_other_form(home, kind):
    """By a redirect to the reason, which another load and the other language ask for once more."""
    content, says = b"{" * (BODY_BYTES_MAX + 1), ("trop volumineux", "too large: 64 kB")
    headers = {"Content-Type": "multipart/form-data; boundary=b"} | home.page.origin
    if kind == "cut off":
        content, says = b"--b\r\nContent-", ("a été coupé", "was cut off")
    with home.visitor() as visitor:
        sent = patiently(
            lambda: visitor.post(
                SEE_OFFER,
                content=iter([content]) if kind.endswith("say so") else content,
                headers=headers,
            )
        )
        assert sent.status_code == 303
        for lang, said in zip((Lang.FR, Lang.EN), says, strict=True):
            patiently(lambda: visitor.get(f"/langue?to={lang.value}&back=/"))  # noqa: B023
            shown = patiently(lambda: visitor.get(sent.headers["location"]))
            assert (shown.status_code, said in shown.text) == (422, True)
            assert 'id="refusal" tabindex="-1" autofocus role="alert"' in shown.text
    with home.visitor(VisitorRole.VIEWER) as viewer:
        refused = patiently(lambda: viewer.post(SEE_OFFER, content=content, headers=headers))
        assert refused.status_code == 403


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"offer": b""}, 422),
        ({"offer": b"\xff\x00" * 99}, 422),
        ({"offer": b"{" * 70_000}, 422),
        ({"start": ""}, 422),
        ({"start": "2026-13-01"}, 422),
        ({"start": None}, 422),
        ({"consent": "everything"}, 422),
        ({"follows": "perhaps"}, 422),
        ({"follows": None}, 422),
        ({"form": None}, 403),
        ({"form": "0" * 64}, 403),
        ({"headers": {"Origin": "https://else.test"}}, 403),
    ],
)
def test_what_the_form_does_not_send_is_refused_and_keeps_nothing(home, changes, status):
    before = kept(home)
    with home.visitor() as visitor:
        assert send(home, visitor, **changes).status_code == status
    assert kept(home) == before


def test_it_is_the_owners(home):
    before = kept(home)
    with home.visitor(VisitorRole.VIEWER) as viewer:
        assert send(home, viewer).status_code == 403
        assert patiently(lambda: viewer.get(WAITING)).status_code == 403
    with home.page.visitor() as stranger:
        assert patiently(lambda: stranger.get(WAITING)).status_code == 303
        sent = patiently(lambda: stranger.post(SEE_OFFER, headers=home.page.origin))
        assert sent.status_code == 303
    with home.visitor() as visitor:
        nothing = patiently(lambda: visitor.get(SEE_OFFER))
        assert (nothing.status_code, nothing.headers["location"]) == (303, "/accords")
    assert kept(home) == before
