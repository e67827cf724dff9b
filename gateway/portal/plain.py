"""What is no page for people: the style sheet, and the two questions that machines ask."""

from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, Response

from gateway.domain.model import Account
from gateway.errors import TryAgain
from gateway.flow.context import Context
from gateway.portal.look import style_sheet
from gateway.portal.visit import Visit


async def static(visit: Visit) -> Response:
    """The style sheet. Its address names the version: browsers may keep it for ever."""
    if visit.request.path_params["name"] != "portal.css":
        raise HTTPException(404)
    practice = visit.desk.site.practice(visit.request.query_params.get("practice", ""))
    headers = {"content-type": "text/css; charset=utf-8", "cache-control": "public, max-age=31536000, immutable"}
    return Response(style_sheet(practice), headers=headers)


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
