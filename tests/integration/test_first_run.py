"""From drawn keys to the first metered quarter-hour on the page, with the real programs."""

import re
import signal

import httpx
import pytest

from edge.language.choice import Lang
from edge.page.early import FILE_NAME
from edge.page.guards import BODY_BYTES_MAX
from tests.support.answering import Registrar
from tests.support.broker import wait_until
from tests.support.first_run import (
    ANSWER,
    FIRST_RUN,
    MADE,
    REQUEST,
    Form,
    new_home,
    sure,
    token_of,
)
from tests.support.page_process import patiently, sent_patiently
from tests.unit.page.test_first_run_answers import damaged


def test_from_the_line_to_the_first_quarter_hour_with_a_kill_at_each_step(broker, tmp_path):
    with new_home(tmp_path, broker.cloud) as home, home.visitor() as visitor:
        for place in ("/", "/factures", "/donnees/courbe.csv", "/live"):
            assert visitor.get(place, follow_redirects=True).url.path in {FIRST_RUN, "/live"}
        for place in ("/aide", "/nowhere", FIRST_RUN):
            text = visitor.get(place).text
            assert f'href="{FIRST_RUN}"' in text, "it leads back"
            assert 'href="/factures"' not in text, "nothing that does not work yet"
        told = visitor.get("/api/v1/today")
        assert (told.status_code, list(told.json())) == (409, ["error"])
        home.restart()
        home.make_request(visitor)
        home.restart()
        answer = home.enrol(visitor)
        seen = home.send(visitor, ANSWER, Form({}, {"answer": answer}))
        assert "Compare the authority" in seen.text
        home.restart()
        assert not (home.chip / "vault.db").exists(), "nothing of the line is stored"
        wait_until(home.is_line_good, "the chip to read its meter")
        done = home.send(visitor, ANSWER, sure(seen.text))
        assert done.status_code == 200, done.text
        assert "it begins to meter now" in done.text
        home.restart()
        wait_until(home.has_metered, "the first quarter-hour")
        assert visitor.get("/").status_code == 200
        assert not (home.page.directory / FILE_NAME).exists()
        assert 'href="/factures"' in visitor.get("/aide").text
        assert visitor.get(FIRST_RUN).headers["location"] == "/"
        late = home.send_with(token_in(visitor), visitor, ANSWER, Form({}, {"answer": answer}))
        assert late.status_code == 422
        assert "enrolled already" in late.text
        assert home.end(signal.SIGTERM) == 0


def token_in(visitor: httpx.Client) -> str:
    """Return the token of a visitor's forms on a page of an enrolled chip."""
    return visitor.get("/etat").text.split('name="form" value="')[1].split('"')[0]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    directory = tmp_path_factory.mktemp("home")
    with new_home(directory, directory / "cloud") as home:
        home.wait_for_meter()
        yield home


def held(home):
    """Return what the chip holds, but for who may look at its page."""
    return {
        path.name: path.read_bytes()
        for path in home.chip.rglob("*")
        if path.is_file() and path.parent != home.page.directory and path.name != "pairing.json"
    }


def test_it_goes_on_as_the_usual_chip_without_a_restart(broker, tmp_path):
    with new_home(tmp_path, broker.cloud) as home, home.visitor() as visitor:
        home.make_request(visitor)
        done = home.take_answer(visitor, home.enrol(visitor))
        assert done.status_code == 200, done.text
        wait_until(home.has_metered, "the first quarter-hour")
        for event in ("chip_not_enrolled", "chip_enrolled", "chip_started"):
            assert home.log.count(event) == 1, event


def test_a_chip_that_is_away_before_its_enrolment_is_told_as_that_everywhere(home):
    places = ("/", "/factures", "/etat", "/aide", FIRST_RUN)
    with home.visitor() as visitor:
        patiently(lambda: visitor.get("/"))
        home.end()
        try:
            for place in places:
                away = patiently(lambda: visitor.get(place))  # noqa: B023
                assert f'href="{FIRST_RUN}"' in away.text, place
                assert 'href="/factures"' not in away.text, place
                if place != "/aide":
                    assert away.status_code == 503
                    assert "was not set up yet" in " ".join(away.text.split())
            away = patiently(lambda: visitor.get("/", headers={"Accept-Language": "fr"}))
            assert "pas encore mis en service" in " ".join(away.text.split())
            assert (home.page.directory / FILE_NAME).exists(), "for the next page that is started"
        finally:
            home.start()


def test_nobody_but_an_owner_sets_the_chip_up(home):
    form = home.ask_for_contract()
    with home.visitor() as owner, home.visitor("--viewer") as viewer:
        with home.visitor() as other:
            stolen = token_of(other)
        before = held(home)
        assert patiently(lambda: viewer.get(FIRST_RUN)).status_code == 403
        assert patiently(lambda: viewer.get(MADE)).status_code == 403
        own = Form({"form": token_of(owner), "sure": "yes"} | dict(form.fields), form.files)
        sent = patiently(lambda: viewer.post(REQUEST, files=own.parts(), headers=home.page.origin))
        assert sent.status_code == 403
        with home.page.visitor() as stranger:
            sent = patiently(
                lambda: stranger.post(REQUEST, files=own.parts(), headers=home.page.origin)
            )
            assert (sent.status_code, sent.headers["location"]) == (303, "/entrer")
            short = {"sure": "yes"}
            sent = patiently(lambda: stranger.post(REQUEST, data=short, headers=home.page.origin))
            assert (sent.status_code, sent.headers["location"]) == (303, "/entrer")
        for token in ("", stolen):
            bad = Form(dict(own.fields) | {"form": token}, own.files)
            sent = patiently(
                lambda: owner.post(REQUEST, files=bad.parts(), headers=home.page.origin)  # noqa: B023
            )
            assert sent.status_code == 403
        away = patiently(
            lambda: owner.post(REQUEST, files=own.parts(), headers={"Origin": "https://a.test"})
        )
        assert away.status_code == 403
        assert held(home) == before


def test_what_does_not_hold_is_refused_with_a_sentence(home, tmp_path):
    form = home.ask_for_contract()
    other = Registrar(tmp_path / "other", "elsewhere")
    home.wait_for_meter()
    with home.visitor() as owner:
        before = held(home)
        broken = damaged(home.offer.decode()).encode()
        for fields, offer, says in (
            (form.fields, broken, "<h1>"),
            (form.fields | {"start": "2020-01-01"}, home.offer, "no tariff on 2020-01-01"),
            (form.fields | {"start": "tomorrow"}, home.offer, "not filled in"),
            (form.fields | {"consent": "all"}, home.offer, "not filled in"),
            (form.fields, b"\xff\xd8\xff a photograph", "This is a picture"),
            (form.fields, b"", "This file is empty"),
        ):
            for more in ({}, {"sure": "yes"}):
                sent = patiently(
                    lambda: home.send(owner, REQUEST, Form(fields | more, {"offer": offer}))  # noqa: B023
                )
                assert sent.status_code == 422, says
                assert says in sent.text, sent.text
        picture = Form(form.fields, {"offer": b"\xff\xd8\xff a photograph"}).with_token(
            token_of(owner)
        )
        sent = patiently(
            lambda: owner.post(REQUEST, files=picture.parts(), headers=home.page.origin)
        )
        place = sent.headers["location"]
        assert re.fullmatch(re.escape(REQUEST) + r"\?envoi=[0-9a-f]{32}", place)
        for lang, says in ((Lang.FR, "est une image"), (Lang.EN, "is a picture")):
            patiently(lambda: owner.get(f"/langue?to={lang.value}&back=/"))  # noqa: B023
            shown = patiently(lambda: owner.get(place))
            assert (shown.status_code, shown.text.count(says)) == (422, 2), (
                "above all, and at the form"
            )
            assert shown.text.index('id="refusal" tabindex="-1" autofocus') < shown.text.index(
                "<h2"
            )
            assert 'aria-describedby="why-request"' in shown.text
        assert patiently(lambda: owner.get(MADE)).status_code == 404
        huge = Form({}, {"answer": b" " * (BODY_BYTES_MAX + 1)})
        large = patiently(lambda: home.send(owner, ANSWER, huge))
        assert (large.status_code, large.text.count("too large: 64 kB")) == (422, 2)
        empty = home.send(owner, ANSWER, Form({}, {"answer": b""}))
        assert (empty.status_code, "This file is empty" in empty.text) == (422, True)
        assert "Choose the file" in home.send(owner, ANSWER, Form({})).text
        other_day = form.fields | {"start": "2020-01-01", "consent": "lines"}
        again = patiently(lambda: home.send(owner, REQUEST, Form(other_day, {"offer": home.offer})))
        assert 'value="2020-01-01"' in again.text, "the form keeps what was filled in"
        assert '<option value="lines" selected>' in again.text
        assert '<option value="false" selected>' in again.text
        kind = {"Content-Type": "multipart/form-data; boundary=b"} | home.page.origin
        whole = b'--b\r\nContent-Disposition: form-data; name="answer"\r\n\r\n{"record"'
        cut = sent_patiently(owner, lambda: owner.post(ANSWER, content=whole, headers=kind))
        assert (cut.status_code, "was cut off" in cut.text) == (422, True)
        assert held(home) == before
        home.make_request(owner)
        before = held(home)
        answer = other.answer(owner.get(MADE).text).encode()
        for bad in (answer[:-9], answer.replace(b'"broker_port":', b'"broker_port":1'), b"{}"):
            sent = patiently(lambda: home.send(owner, ANSWER, Form({}, {"answer": bad})))  # noqa: B023
            assert sent.status_code == 422
        assert held(home) == before
