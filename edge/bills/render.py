"""Renders a bill's page as HTML and PDF, both from one template."""

from functools import lru_cache
from typing import TYPE_CHECKING

from edge.bills.sheet import BillDocument

if TYPE_CHECKING:
    from jinja2 import Template
    from weasyprint.urls import URLFetcher


@lru_cache(maxsize=1)
def _template() -> "Template":
    # Imported late: a chip that only measures needs neither jinja2 nor weasyprint.
    from system.templates import templates_of  # noqa: PLC0415

    return templates_of("edge.bills").get_template("bill.html.j2")


def render_html(document: BillDocument) -> str:
    """Return the page as HTML that loads no other resource."""
    return _template().render(bill=document, words=document.words)


def render_pdf(document: BillDocument) -> bytes:
    """Return the page as a tagged A4 PDF; no URL in it is fetched."""
    from weasyprint import HTML  # noqa: PLC0415

    page = HTML(string=render_html(document), url_fetcher=_fetch_nothing())
    pdf: bytes = page.write_pdf(pdf_tags=True)
    return pdf


def _fetch_nothing() -> "URLFetcher":
    """Return a fetcher that allows no scheme, not even `file:` or `data:`."""
    from weasyprint.urls import URLFetcher  # noqa: PLC0415

    return URLFetcher(allowed_protocols=())
