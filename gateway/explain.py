"""`gateway explain`: what would become of a mail, by the same rules as in serving, and nothing of it is done."""

from gateway.admin.access import ask
from gateway.config.settings import Settings
from gateway.errors import GatewayError
from gateway.flow.context import Context
from gateway.flow.inbound import explain
from gateway.flow.inbound.understand import Submission


def explained(settings: Settings, raw: bytes, mail_from: str, recipients: list[str], *, trusted: bool) -> list[str]:
    """Lines of plain text. Reads the database beside whoever serves from it. Raises as `admin.ask`."""
    submission = Submission(mail_from, tuple(recipients), trusted, authserv_id=settings.mailbox.authserv_id)

    def look(ctx: Context) -> list[str]:
        try:
            return list(explain.explain(ctx, explain.understood(ctx.site, ctx.keys, submission, raw)))
        except GatewayError as refusal:
            return [f"refused: {refusal.smtp_reply}"]

    return ask(settings, look)
