"""The one call of chips: a new certificate where the old one has ended."""

from datetime import UTC, datetime
from typing import Annotated

from litestar import post
from litestar.params import PathParameter
from litestar.response import Response

from cloud.api.problems import ProblemError
from cloud.api.service import HttpRequest, service_of
from protocol.ids import DeviceId

MEDIA_TYPE = "application/octet-stream"
_DEVICE = Annotated[str, PathParameter(pattern=r"^[a-z2-7]{26}(?!\n)$", description="A chip's id.")]


@post("/v1/chips/{device:str}/certificate", status_code=200, include_in_schema=False)
async def renew_certificate(request: HttpRequest, device: _DEVICE) -> Response[bytes]:
    """Renew a chip's certificate by the request that its signing key signed; for chips only."""
    service = service_of(request)
    if service.renewals is None:
        raise ProblemError(403, "This chip gets no certificate here.")
    answer = await service.run(
        service.renewals.answer, DeviceId(device), await request.body(), datetime.now(UTC)
    )
    return Response(answer, media_type=MEDIA_TYPE)
