"""What is to become of a mail for each of its recipients: looked up and decided; nothing is changed here."""

from dataclasses import replace

from gateway.domain.decide import Action, Facts, Reason, Verdict, decide
from gateway.domain.intent import Intent, Sign
from gateway.domain.model import Account, Sender
from gateway.domain.site import Practice
from gateway.domain.vocabulary import Answer
from gateway.errors import BadRecipient, EncryptedAlready
from gateway.flow import outlook_recall, question
from gateway.flow.case import Case, case_of
from gateway.flow.context import Context
from gateway.flow.talk import people_of
from gateway.flow.understand import MANY, Draft, Recipient


def decided(ctx: Context, draft: Draft) -> list[Case]:
    """Each recipient with what is to become of the mail for them: only looks up.

    Raises BadRecipient, EncryptedAlready.
    """
    practice = draft.practice
    if practice and draft.recalls is not None and (taken_back := _taken_back(ctx, draft, practice)):
        return taken_back
    if practice is None or (draft.marks.sign.intent is Intent.CLEAR and not draft.may_go_on):
        return [_unsecured(one, draft.marks.sign) for one in draft.recipients]
    talk = people_of(ctx, practice, draft.answers) if draft.may_go_on else frozenset()
    asked = _asked_before(ctx, draft, practice) if draft.marks.asks or talk else None
    cases = []
    for one in draft.recipients:
        sign = _sign(draft, one, talk)
        sign = asked if asked and sign.intent is Intent.ASK else sign
        is_plain = one.gateway or sign.intent is Intent.CLEAR
        encrypted = bool(draft.encryption)
        cases.append(_unsecured(one, sign) if is_plain else case_of(ctx, practice, one, sign, is_encrypted=encrypted))
    if any(case.verdict.action is Action.REFUSE for case in cases):
        raise EncryptedAlready
    if cases and all(case.verdict.action is Action.NOWHERE for case in cases):
        raise BadRecipient
    crowd = _is_for_a_crowd(ctx, draft, cases) and _asked_before(ctx, draft, practice) is not Sign.ANSWERED
    return [_unseen(case) for case in cases] if crowd else cases


def _taken_back(ctx: Context, draft: Draft, practice: Practice) -> list[Case]:
    """The recipients of Outlook's recall, if it speaks of secure mail; otherwise nobody: it is a mail like others."""
    sender = ctx.tx.one(Sender, address=draft.author.address.key if draft.author else "", practice_id=practice.id)
    cases = []
    for one in draft.recipients:
        if one.gateway or one.address is None or sender is None:
            return []
        copy = outlook_recall.named(ctx, sender, one.address, draft.recalls or "")
        cases.append(Case(one, Verdict(Action.RECALL, Reason.RECALLS, Sign.RECALL), recalled=copy))
    return cases if draft.marks.secure or any(case.recalled for case in cases) else []


def _unsecured(recipient: Recipient, sign: Sign) -> Case:
    return Case(recipient, decide(Facts(gateway=recipient.gateway, sign=sign)))


def _sign(draft: Draft, recipient: Recipient, talk: frozenset[str]) -> Sign:
    """What shows how the mail was meant for this recipient: its own marks, or the talk that it goes on with."""
    if not talk or recipient.address is None:
        return draft.marks.sign
    if recipient.address.key in talk:
        return Sign.TALK
    return draft.marks.sign if draft.marks.asks else Sign.NEW_IN_TALK


def _asked_before(ctx: Context, draft: Draft, practice: Practice) -> Sign | None:
    """What the sender has answered where another part of this mail was asked about."""
    author = draft.author.address.key if draft.author else ""
    sender = ctx.tx.one(Sender, address=author, practice_id=practice.id)
    before = question.standing(ctx, sender, draft.message_id) if sender else None
    return _ANSWERED.get(before.answer) if before else None


_ANSWERED: dict[Answer | None, Sign] = {Answer.YES: Sign.ANSWERED, Answer.PLAIN: Sign.PLAIN}


def _is_for_a_crowd(ctx: Context, draft: Draft, cases: list[Case]) -> bool:
    """Whether it is secure mail to many strangers at once, which its sender is asked about."""
    if not draft.crowded or not any(case.verdict.action is Action.HOLD for case in cases):
        return False
    visible = {one.address.key for one in draft.head.visible}
    known = ctx.tx.count(Account, address__in=list(visible)) if visible else 0
    return draft.head.names_many or len(visible) - known >= MANY


def _unseen(case: Case) -> Case:
    secure = case.verdict.sign.intent is not Intent.CLEAR and case.recipient.gateway is None
    asked = Verdict(Action.ASK, Reason.MANY_READERS, Sign.MANY_READERS)
    return replace(case, verdict=asked) if secure and case.recipient.address else case
