"""What another practice asks of somebody who is registered: one page in the account."""

from starlette.exceptions import HTTPException
from starlette.responses import Response

from gateway.domain.model import Account
from gateway.flow import register
from gateway.flow.register import Check
from gateway.portal.form import REFUSED
from gateway.portal.invite.verify import examine, form_for, is_stranger
from gateway.portal.visit import Visit, go_to


async def question(visit: Visit, account: Account) -> Response:
    """GET shows the question; POST answers it, and the right answer brings that practice's messages."""
    desk, asked = visit.desk, visit.request.path_params["invitation_id"]
    welcome = await desk.ask(register.question, account, asked)
    if welcome is None:
        raise HTTPException(404)
    form = form_for(welcome, visit.form if visit.posted else None)
    facts = {"welcome": welcome, "form": form}
    if not visit.posted:
        return visit.show("invite/question", facts)
    examined = await examine(form, visit.today, lambda proof: desk.do_at_length(register.answer, account, asked, proof))
    if examined is None:
        return visit.show("invite/question", facts, status=REFUSED)
    _, checked = examined
    match checked.check:
        case Check.RIGHT:
            return go_to("/inbox?done=answered")
        case Check.WRONG:
            page = "invite/question_stranger" if is_stranger(welcome, checked) else "invite/question"
            return visit.show(page, facts, status=REFUSED)
        case Check.LOCKED:
            return visit.show("invite/question_locked", facts, status=REFUSED)
        case Check.DEAD:
            raise HTTPException(404)
