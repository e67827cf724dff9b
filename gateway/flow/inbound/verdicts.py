"""What is to become of a mail for each of its recipients: looked up and decided; nothing is changed here."""

from dataclasses import replace

from gateway.domain.decide import Action, Reason, RecipientFacts, Verdict, decide
from gateway.domain.intent import Intent, Sign
from gateway.domain.model import Account
from gateway.domain.site import Practice
from gateway.domain.vocabulary import Answer
from gateway.errors import BadRecipient, EncryptedAlready
from gateway.flow import senders, who
from gateway.flow.context import Context
from gateway.flow.inbound import outlook_recall, question, understand
from gateway.flow.inbound.recipient_case import RecipientCase, case_of
from gateway.flow.inbound.talk import people_of
from gateway.flow.inbound.understand import MANY, IncomingMail, Recipient


def settled(ctx: Context, incoming: IncomingMail) -> IncomingMail:
    """The mail with the practice that its author writes for, by lists and directory too. Raises NotASender."""
    if not incoming.may_be_listed or incoming.author is None:
        return incoming
    if not incoming.depends_on_author:
        return understand.settled(incoming, incoming.practice)
    return understand.settled(incoming, who.practice_of(ctx, incoming.author.address))


def decided(ctx: Context, incoming: IncomingMail) -> list[RecipientCase]:
    """Each recipient with what is to become of the mail for them: only looks up.

    Raises BadRecipient, EncryptedAlready.
    """
    practice = incoming.practice
    if practice and incoming.recalls is not None and (taken_back := _taken_back(ctx, incoming, practice)):
        return taken_back
    if practice is None or (incoming.marks.sign.intent is Intent.CLEAR and not incoming.may_go_on):
        return [_unsecured(one, incoming.marks.sign) for one in incoming.recipients]
    talk = people_of(ctx, practice, incoming.answers) if incoming.may_go_on else frozenset()
    asked = _asked_before(ctx, incoming, practice) if incoming.marks.asks or talk else None
    cases = []
    for one in incoming.recipients:
        sign = _sign(incoming, one, talk)
        sign = asked if asked and sign.intent is Intent.ASK else sign
        is_plain = one.gateway or sign.intent is Intent.CLEAR
        encrypted = bool(incoming.encryption)
        cases.append(_unsecured(one, sign) if is_plain else case_of(ctx, practice, one, sign, is_encrypted=encrypted))
    if any(case.verdict.action is Action.REFUSE for case in cases):
        raise EncryptedAlready
    if cases and all(case.verdict.action is Action.NOWHERE for case in cases):
        raise BadRecipient
    crowd = _is_for_a_crowd(ctx, incoming, cases) and _asked_before(ctx, incoming, practice) is not Sign.ANSWERED
    return [_unseen(case) for case in cases] if crowd else cases


def _taken_back(ctx: Context, incoming: IncomingMail, practice: Practice) -> list[RecipientCase]:
    """The recipients of Outlook's recall, if it speaks of secure mail; otherwise nobody: it is a mail like others."""
    sender = senders.known_sender(ctx, practice, incoming.author.address if incoming.author else None)
    cases = []
    for one in incoming.recipients:
        if one.gateway or one.address is None or sender is None:
            return []
        copy = outlook_recall.named(ctx, sender, one.address, incoming.recalls or "")
        cases.append(RecipientCase(one, Verdict(Action.RECALL, Reason.RECALLS, Sign.RECALL), recalled=copy))
    return cases if incoming.marks.secure or any(case.recalled for case in cases) else []


def _unsecured(recipient: Recipient, sign: Sign) -> RecipientCase:
    return RecipientCase(recipient, decide(RecipientFacts(gateway=recipient.gateway, sign=sign)))


def _sign(incoming: IncomingMail, recipient: Recipient, talk: frozenset[str]) -> Sign:
    """What shows how the mail was meant for this recipient: its own marks, or the talk that it goes on with."""
    if not talk or recipient.address is None:
        return incoming.marks.sign
    if recipient.address.key in talk:
        return Sign.TALK
    return incoming.marks.sign if incoming.marks.asks else Sign.NEW_IN_TALK


def _asked_before(ctx: Context, incoming: IncomingMail, practice: Practice) -> Sign | None:
    """What the sender has answered where another part of this mail was asked about."""
    sender = senders.known_sender(ctx, practice, incoming.author.address if incoming.author else None)
    before = question.standing(ctx, sender, incoming.message_id) if sender else None
    return _ANSWERED.get(before.answer) if before else None


_ANSWERED: dict[Answer | None, Sign] = {Answer.YES: Sign.ANSWERED, Answer.PLAIN: Sign.PLAIN}


def _is_for_a_crowd(ctx: Context, incoming: IncomingMail, cases: list[RecipientCase]) -> bool:
    """Whether it is secure mail to many strangers at once, which its sender is asked about."""
    if not incoming.crowded or not any(case.verdict.action is Action.HOLD for case in cases):
        return False
    visible = {one.address.key for one in incoming.head.visible}
    known = ctx.tx.count(Account, address__in=list(visible)) if visible else 0
    return incoming.head.names_many or len(visible) - known >= MANY


def _unseen(case: RecipientCase) -> RecipientCase:
    secure = case.verdict.sign.intent is not Intent.CLEAR and case.recipient.gateway is None
    asked = Verdict(Action.ASK, Reason.MANY_READERS, Sign.MANY_READERS)
    return replace(case, verdict=asked) if secure and case.recipient.address else case
