"""A bill's page loads nothing, wherever a URL stands in it."""

import base64
import io
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from pypdf import PdfReader

from edge.bills import render

SVG = (
    "<svg xmlns='http://www.w3.org/2000/svg' width='90' height='9'><text y='9'>loaded</text></svg>"
)
PLACES = {
    "image": "<img src='URL' alt=''>",
    "style sheet": "<link rel=stylesheet href='URL'>",
    "import": "<style>@import url('URL');</style>",
    "background": "<style>p { background: url('URL'); }</style>",
    "font": "<style>@font-face { font-family: f; src: url('URL'); } p { font-family: f; }</style>",
    "object": "<object data='URL'></object>",
    "attachment": "<link rel=attachment href='URL'>",
}


@pytest.fixture
def site():
    """A web server on loopback, its address, and the paths that were asked of it."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/x", asked
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("scheme", ["http", "file", "data"])
def test_a_page_with_a_url_is_laid_out_without_it(site, tmp_path, monkeypatch, place, scheme):
    address, asked = site
    drawing = tmp_path / "drawing.svg"
    drawing.write_text(SVG)
    url = {
        "http": address,
        "file": drawing.as_uri(),
        "data": "data:image/svg+xml;base64," + base64.b64encode(SVG.encode()).decode(),
    }[scheme]
    head = "<!doctype html><title>Facture</title><p>Montant à payer</p>"
    monkeypatch.setattr(render, "render_html", lambda _: head + PLACES[place].replace("URL", url))
    pdf = PdfReader(io.BytesIO(render.render_pdf(None)))
    text = " ".join(page.extract_text() for page in pdf.pages)
    assert "Montant à payer" in text
    assert "loaded" not in text
    assert not pdf.attachments
    assert asked == []


def test_what_would_be_loaded_is_seen(monkeypatch):
    """WeasyPrint's own fetcher does load the drawing, so the test above can fail."""
    monkeypatch.setattr(render, "_fetch_nothing", lambda: None)
    url = "data:image/svg+xml;base64," + base64.b64encode(SVG.encode()).decode()
    page = f"<title>Facture</title><img src='{url}' alt=''>"
    monkeypatch.setattr(render, "render_html", lambda _: page)
    (laid_out,) = PdfReader(io.BytesIO(render.render_pdf(None))).pages
    assert "loaded" in laid_out.extract_text()
