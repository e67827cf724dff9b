"""The pages themselves: each asks a flow and shows what it says."""

import csv
import io
from datetime import timedelta
from urllib.parse import urlencode

from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, Response

from gateway.domain.address import Address, address
from gateway.domain.vocabulary import DeliveryState, State
from gateway.errors import BadAddress
from gateway.flow.administration import admin_session, invitations, panel, people
from gateway.flow.administration.invitations import Wanted
from gateway.flow.administration.trace import trace
from gateway.flow.administration.trace_found import mails_of
from gateway.flow.context import Context
from gateway.flow.inbound import observe
from gateway.flow.outbound import queue
from gateway.flow.outbound.queue import QueueChange, Sieve
from gateway.portal.admin.charts import of_counts, of_hours
from gateway.portal.admin.door import Call
from gateway.portal.admin.sheet import sheet
from gateway.portal.visit import go_to

A_PAGE = 100
SINCE = timedelta(days=30)
MOST_FOUND = 100
LONGEST_QUESTION = 500
STATES = {
    "all": queue.WAITING,
    "waits": (DeliveryState.QUEUED,),
    "paused": (DeliveryState.PAUSED,),
    "set-aside": (DeliveryState.QUARANTINED,),
}
ACTS: dict[str, QueueChange] = {"retry": queue.retry, "hold": queue.hold, "release": queue.release}
"""What a button does. To drop a mail is left to the command line: it cannot be undone."""


async def overview(call: Call) -> Response:
    """GET: is mail flowing, and what needs a person."""
    found = await call.desk.ask(panel.overview)
    zone = call.desk.site.zone
    open_ones = of_counts({state.value: count for state, count in found.rows.invitations.items()})
    return call.show("overview", {"found": found, "chart": of_hours(found.flow.hours, zone), "invitations": open_ones})


async def waiting(call: Call) -> Response:
    """GET: what waits to be sent, and why; a page at a time."""
    asked = call.request.query_params
    state = asked.get("state", "all") if asked.get("state") in STATES else "all"
    after = int(asked["after"]) if asked.get("after", "").isascii() and asked.get("after", "").isdigit() else 0
    sieve, behind = Sieve(STATES[state]), min(after, 2**62)
    rows = await call.desk.ask(lambda ctx: queue.listed(ctx, A_PAGE + 1, sieve, behind))
    shown = rows[:A_PAGE]
    more = f"/admin/queue?{urlencode({'state': state, 'after': shown[-1].id})}" if len(rows) > A_PAGE else ""
    return call.show(
        "queue", {"rows": shown, "state": state, "states": list(STATES), "more": more, "is_first": not after}
    )


async def delivery(call: Call) -> Response:
    """GET: all that is known of one mail on its way out; POST: try it again, pause it, let it go on."""
    number = call.request.path_params["number"]
    if call.posted:
        act = ACTS.get(call.typed("act"))
        if act is None:
            raise HTTPException(400)
        done = await call.desk.do(lambda ctx: act(ctx, [number]))
        return go_to(f"/admin/queue/{number}?done={call.typed('act') if done else 'nothing'}")
    found = await call.desk.ask(queue.shown, number)
    if found is None:
        raise HTTPException(404)
    return call.show("delivery", {"found": found, "done": call.request.query_params.get("done", "")})


async def expiring(call: Call) -> Response:
    """GET: what ends within a week."""
    found = await call.desk.ask(panel.soon)
    return call.show("expiring", {"found": found, "certificates": dict(call.panel.certificates())})


async def find(call: Call) -> Response:
    """GET: where to type; POST: what is known of a mail or an address. What is typed stands in no address or log."""
    if not call.posted:
        return call.show("find", {"asked": "", "ways": [], "who": None, "is_answer": False})
    asked = call.typed("asked").strip()[:LONGEST_QUESTION]
    ways = await call.desk.ask(trace, asked) if asked else []
    who = None if ways else _address(asked)
    facts: dict[str, object] = {"asked": asked, "ways": ways, "who": who, "is_answer": True}
    named = [f"mail {way.queue_id}" if way.queue_id else way.header_id for way in ways]
    if who:
        named = [f"person {who.key}"]
        facts |= await call.desk.ask(_of_address, who)
    await call.desk.do(admin_session.note_look_up, named)
    return call.show("find", facts)


async def settings(call: Call) -> Response:
    """GET: the settings as they stand."""
    return call.show("settings", {"lines": call.panel.settings()})


async def observed(call: Call) -> Response:
    """GET: what would have become of mail, at a site that only observes."""
    found = await call.desk.ask(observe.noted, observe.SHOWN)
    return call.show(
        "observed", {"found": found, "counts": of_counts(found.counts), "reasons": of_counts(found.reasons)}
    )


async def observed_csv(call: Call) -> Response:
    """GET: all of that as a file."""
    rows = await call.desk.ask(observe.rows)
    await call.desk.do(admin_session.note_look_up, [f"{len(rows)} observations"])
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(observe.COLUMNS)
    writer.writerows(rows)
    headers = {"content-disposition": 'attachment; filename="observed.csv"'}
    return PlainTextResponse(text.getvalue(), media_type="text/csv", headers=headers)


async def static(call: Call) -> Response:
    """GET: the style sheet."""
    if call.request.path_params["name"] != "admin.css":
        raise HTTPException(404)
    headers = {"content-type": "text/css; charset=utf-8", "cache-control": "public, max-age=31536000, immutable"}
    return Response(sheet(), headers=headers)


def _address(asked: str) -> Address | None:
    try:
        return address(asked)
    except BadAddress:
        return None


def _of_address(ctx: Context, who: Address) -> dict[str, object]:
    """The mails and the standing of an address; of a birthdate nothing is ever told."""
    person = people.person(ctx, who)
    return {
        "mails": mails_of(ctx, who, ctx.now - SINCE, MOST_FOUND),
        "person": person,
        "figures": people.figures(ctx, person) if person.is_known else None,
        "invited": invitations.listed(ctx, Wanted(states=tuple(State), address=who.key), MOST_FOUND),
        "since": SINCE.days,
    }
