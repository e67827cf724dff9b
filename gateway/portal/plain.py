"""What is no page for people: the style sheet, and the two questions that machines ask."""

from importlib.resources import files

from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, Response

from gateway.domain.model import Account
from gateway.errors import TryAgain
from gateway.flow.context import Context
from gateway.portal.visit import Visit

_TYPES = {"portal.css": "text/css; charset=utf-8", "icon.svg": "image/svg+xml"}
_STATIC = {name: files("gateway.portal").joinpath("static", name).read_bytes() for name in _TYPES}


async def static(visit: Visit) -> Response:
    name = visit.request.path_params["name"]
    if name not in _STATIC:
        raise HTTPException(404)
    headers = {"content-type": _TYPES[name], "cache-control": "public, max-age=300"}
    return Response(_STATIC[name], headers=headers)


async def healthz(_: Visit) -> Response:
    """Whether the process answers."""
    return PlainTextResponse("ok")


async def readyz(visit: Visit) -> Response:
    """Whether the database answers, too."""
    try:
        await visit.desk.ask(_touch)
    except TryAgain:
        return PlainTextResponse("the database does not answer", 503)
    return PlainTextResponse("ok")


def _touch(ctx: Context) -> None:
    ctx.tx.count(Account, id=0)
