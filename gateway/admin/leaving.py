"""Taking the gateway out of use: everything handed back in small steps, and how it is taken out of the path."""

from collections.abc import Callable
from datetime import date, timedelta
from textwrap import dedent

from gateway.admin.access import Access
from gateway.config.kinds import split_address
from gateway.config.settings import Settings
from gateway.flow.administration import leaving, people_list
from gateway.flow.administration.leaving import Held

AT_A_TIME = 20
"""Mails in one transaction: few, so that a mail that comes in meanwhile never waits long."""


def last_day(access: Access, days: int) -> date:
    """Until when people may save what is in their inboxes."""
    return access.ask(lambda ctx: ctx.today) + timedelta(days=days)


def hand_back_all(access: Access, until: date, step: Callable[[int], None]) -> int:
    """Hand back, end and tell; how many invitations had to stay open. It may be run again, and goes on.

    Raises StoreBusy, StoreFull, StoreDamaged, WrongKey, OSError.
    """
    access.do(leaving.begin)
    last = 0
    while last := access.do(leaving.hand_back, last, AT_A_TIME):
        step(AT_A_TIME)
    while last := access.do(leaving.end_invitations, last, AT_A_TIME):
        pass
    while access.do(leaving.tell_accounts, until, AT_A_TIME):
        pass
    return access.ask(leaving.left_open)


def close_practice(access: Access, practice_id: str, step: Callable[[int], None]) -> int:
    """Hand back, end and take off the list what is one practice's; how many invitations had to stay open.

    It may be run again, and goes on. Raises as `hand_back_all`.
    """
    access.do(leaving.begin, practice_id)
    last = 0
    while last := access.do(leaving.hand_back, last, AT_A_TIME, practice_id):
        step(AT_A_TIME)
    while last := access.do(leaving.end_invitations, last, AT_A_TIME, practice_id):
        pass
    access.do(people_list.clear, practice_id)
    return access.ask(leaving.left_open, practice_id)


def preview(found: Held, until: date) -> list[str]:
    """What would be done, in lines."""
    if not found.mails:
        mails = "no mail is held"
    elif found.may_travel:
        mails = f"{found.mails} held mails for {found.recipients} recipients go back to their senders, as attachments"
    else:
        mails = (
            f"the senders of {found.mails} held mails for {found.recipients} recipients are told that they were not "
            "delivered; the mails are destroyed, and not sent back, since next_hop.tls is not verified"
        )
    lines = [
        mails,
        f"{found.invitations} open invitations end; whoever was told of one is told that it is over",
        f"{found.accounts} people with an inbox are told that they can save their messages until {until.isoformat()}",
    ]
    if found.answers:
        lines.append(f"{found.answers} answers that invitees have sent by mail go to those who waited for them")
    if found.came_back:
        lines.append(f"{found.came_back} mails that were handed back were not taken: gateway queue list --set-aside")
    if found.holds:
        lines.append(f"{found.holds} legal holds stand: what they keep stays sealed in the database")
    return lines


def way_out(settings: Settings, until: date) -> str:
    """The steps that take the gateway out of the path, and out of use."""
    host, port = split_address(settings.smtp.listen)
    domain = settings.site.domain
    return dedent(
        f"""
        To take the gateway out of the path:

         1. Tell your clinicians first: from then on, mail that is marked secure leaves as ORDINARY mail.
         2. Postfix: in master.cf, take these two lines out of the submission service, and reload Postfix:
              -o content_filter=secure-mail:[{host}]:{port}
              -o receive_override_options=no_address_mappings
            The second kept aliases and always_bcc waiting for the gateway. Leave all the rest until step 5: answers,
            and what is handed back, come by it.
            Exchange: Disable-TransportRule or Set-SendConnector -Enabled $false for the connector to this gateway.
         3. Send a mail to an address outside: its header must have no "Received:" line by {domain}.
         4. Run gateway leave once more, for what came meanwhile, and let the gateway serve until
            gateway queue list is empty: what is handed back leaves by its queue. A week later, run gateway leave
            again: it names what came back. Have that tried again, or give it to its sender in another way.
         5. Let the portal serve until {until.isoformat()}, so that people can save their messages. Then stop the
            gateway (systemctl disable --now gateway), and take {domain} out of Postfix or Exchange, and out of the DNS.
         6. Keep the audit for as long as the law asks: gateway audit export. Then destroy the keys, and with them all
            that is left: the key file (shred -u), its copies and key sheets; database, spool, ledger and backups."""
    )
