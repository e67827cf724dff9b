"""What an invited person can do whose link has died: ask for a new one. The page says the same to everybody."""

from starlette.exceptions import HTTPException
from starlette.responses import Response

from gateway.flow import throttle
from gateway.flow.invitations.new_link import ask_again
from gateway.portal.form import REFUSED
from gateway.portal.said import then_say, to_say
from gateway.portal.sure import left_alone, sure_form
from gateway.portal.throttle import of_client
from gateway.portal.visit import Visit

ASKS = "again"
"""The query of a dead link's address that leads here: the page that says so must be the same for every link."""


async def again(visit: Visit) -> Response:
    """GET asks whether it is meant; POST does it."""
    if to_say(visit) is not None:
        return visit.show("invite/asked_again")
    form, answered = sure_form(visit)
    if not answered:
        return visit.show("invite/again", {"form": form}, status=REFUSED if form.wrong else 200)
    if not form.is_yes:
        return left_alone(visit)
    if not await visit.desk.do(throttle.take, of_client(f"again {visit.client}")):
        raise HTTPException(429)
    await visit.desk.do(ask_again, visit.request.path_params["token"])
    return then_say(visit, {}, ASKS)
