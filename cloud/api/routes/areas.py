"""Area figures: curves, tables, turnover by price class, each with its error."""

from datetime import date
from typing import Annotated

from litestar import get
from litestar.params import QueryParameter

from cloud.api.areas import AreaService
from cloud.api.problems import documented
from cloud.api.service import HttpRequest, caller_of, note_subject, service_of
from cloud.store.providers import Scope
from protocol import provider_api as shapes

Measure = Annotated[
    str,
    QueryParameter(
        pattern=r"^[a-z0-9-]{1,24}(?!\n)$", description="A measure's name, e.g. `curve`."
    ),
]
Code = Annotated[
    str,
    QueryParameter(
        pattern=r"^[0-9A-Za-z+/.-]{1,48}(?!\n)$",
        description="The code of an IRIS, a commune, a département, or of a group.",
    ),
]
Start = Annotated[date, QueryParameter(name="from", description="The first day.")]
End = Annotated[date, QueryParameter(name="to", description="The day after the last.")]


def _service(request: HttpRequest) -> AreaService:
    return AreaService(service_of(request).store.area, caller_of(request).provider.name)


@get("/v1/areas", tags=["areas"], opt={"scope": Scope.AREAS}, responses=documented())
async def areas(request: HttpRequest) -> shapes.Measures:
    """List the measures and codes whose released figures you may read.

    Figures of another provider's customers are not included.
    """
    return await service_of(request).run(lambda: _service(request).measures())


@get("/v1/areas/figures", tags=["areas"], opt={"scope": Scope.AREAS}, responses=documented(404))
async def figures(
    request: HttpRequest, measure: Measure, code: Code, start: Start, end: End
) -> shapes.Figures:
    """Return what was released for an area: curves with their band, tables with their error."""
    note_subject(request, f"{measure} {code}")
    return await service_of(request).run(
        lambda: _service(request).figures(measure, code, start, end)
    )


@get("/v1/areas/turnover", tags=["areas"], opt={"scope": Scope.AREAS}, responses=documented(404))
async def turnover(
    request: HttpRequest, code: Code, start: Start, end: End, measure: Measure = "classes"
) -> shapes.Turnover:
    """Sum an area's energy by price class and turnover over days, with their standard errors."""
    note_subject(request, f"{measure} {code}")
    return await service_of(request).run(
        lambda: _service(request).turnover(measure, code, start, end)
    )
