"""What is no page for people: the style sheet, and who answers here."""

from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, Response

from gateway.portal.look import style_sheet
from gateway.portal.visit import Visit

LONGEST_QUESTION = 100
WHO_ANSWERS = "who answers"
"""The purpose of the digest by which `gateway check` knows this portal."""


async def static(visit: Visit) -> Response:
    """The style sheet. Its address names the version: browsers may keep it for ever."""
    if visit.request.path_params["name"] != "portal.css":
        raise HTTPException(404)
    practice = visit.desk.site.practice(visit.request.query_params.get("practice", ""))
    headers = {"content-type": "text/css; charset=utf-8", "cache-control": "public, max-age=31536000, immutable"}
    return Response(style_sheet(practice), headers=headers)


async def healthz(visit: Visit) -> Response:
    """Whether the process answers; who asks a question of its own learns whether it is a gateway with these keys."""
    question = visit.request.query_params.get("ask", "")[:LONGEST_QUESTION]
    if not question:
        return PlainTextResponse("ok")
    answer = visit.desk.keys.digest(WHO_ANSWERS, question.encode()).hex()
    is_told = any(name in visit.request.headers for name in ("x-forwarded-for", "forwarded"))
    return PlainTextResponse(f"ok {answer} {'told' if is_told else 'not told'} for whom")
