"""What another practice asks of somebody who is registered: one page in the account.

A try leads to a page of its own (303), so that a reload is no second one.
"""

from starlette.exceptions import HTTPException
from starlette.responses import Response

from gateway.domain.model import Account
from gateway.flow.accounts import registration
from gateway.flow.accounts.registration import Check
from gateway.portal.form import REFUSED
from gateway.portal.invite import registration_state
from gateway.portal.invite.registration_state import Place, RegistrationState
from gateway.portal.invite.verify import WRONG, examine, form_again, form_for, is_stranger
from gateway.portal.visit import Visit, go_to

STRANGER = "stranger"
"""The query of the page for who does not work where their colleague thought."""


async def question(visit: Visit, account: Account) -> Response:
    """GET shows the question; POST answers it, and the right answer brings that practice's messages."""
    desk, asked = visit.desk, visit.request.path_params["invitation_id"]
    welcome = await desk.ask(registration.question, account, asked)
    if welcome is None:
        raise HTTPException(404)
    place = Place(f"account {account.id}", welcome.relationship)
    if not visit.posted:
        form = form_again(visit, welcome, registration_state.found(visit, asked, place).proof)
        page = "invite/question_stranger" if STRANGER in visit.request.query_params else "invite/question"
        return visit.show(page, {"welcome": welcome, "form": form})
    form = form_for(welcome, visit.form)
    checked = await examine(
        form, visit.today, lambda proof: desk.do_at_length(registration.answer, account, asked, proof)
    )
    if checked is None:
        return visit.show("invite/question", {"welcome": welcome, "form": form}, status=REFUSED)
    match checked.check:
        case Check.RIGHT:
            response = go_to("/inbox?done=answered")
            visit.portal.cookies.take_back(response, registration_state.cookie(asked))
            return response
        case Check.WRONG:
            response = go_to(f"/questions/{asked}?{STRANGER if is_stranger(welcome, checked) else WRONG}")
            registration_state.keep(visit, response, asked, place, RegistrationState().with_proof(form))
            return response
        case Check.LOCKED:  # it is gone from now on, and a reload says so
            return visit.show("invite/question_locked", {"welcome": welcome}, status=REFUSED)
        case Check.DEAD:
            raise HTTPException(404)
