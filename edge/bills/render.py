"""A bill's page as HTML and PDF; one template, so that both say the same."""

from functools import lru_cache
from typing import TYPE_CHECKING

from edge.bills.document import BillDocument

if TYPE_CHECKING:
    from jinja2 import Template
    from weasyprint.urls import URLFetcher


@lru_cache(maxsize=1)
def _template() -> "Template":
    # Imported where a page is made: a chip that only measures needs neither.
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415

    environment = Environment(
        loader=PackageLoader("edge.bills"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("bill.html.j2")


def render_html(document: BillDocument) -> str:
    """Return the page, complete in itself: it loads nothing from anywhere."""
    return _template().render(bill=document, words=document.words)


def render_pdf(document: BillDocument) -> bytes:
    """Return the page as a tagged PDF of A4 pages; what a URL in it names stays out."""
    from weasyprint import HTML  # noqa: PLC0415

    page = HTML(string=render_html(document), url_fetcher=_nothing())
    pdf: bytes = page.write_pdf(pdf_tags=True)
    return pdf


def _nothing() -> "URLFetcher":
    """Return a fetcher that takes no scheme, `file:` and `data:` included."""
    from weasyprint.urls import URLFetcher  # noqa: PLC0415

    return URLFetcher(allowed_protocols=())
