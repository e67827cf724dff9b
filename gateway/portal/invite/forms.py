"""What an invited person fills in."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import ClassVar

from wtforms import PasswordField, RadioField, StringField, TextAreaField

from gateway.domain.saying import say
from gateway.domain.vocabulary import Relationship
from gateway.flow.register import Proof
from gateway.portal.form import BaseForm, BirthdateForm, chosen, filled_in, one_line
from gateway.portal.passwords import LONGEST, SHORTEST


class ProofByBirthdate(BirthdateForm):
    """The date of birth that the practice knows."""

    def proof(self, today: date) -> Proof | None:
        read = self.birthdate(today)
        return Proof(birthdate=read) if read else None


class OrganisationForm(BaseForm):
    """Whether one works at the practice that invites."""

    main_field: ClassVar[str] = "organisation"
    organisation = RadioField(
        choices={"yes": say("Yes"), "no": say("No")},
        validators=[chosen(say("Choose Yes or No."))],
        validate_choice=False,
    )

    def proof(self, _: date) -> Proof | None:
        return Proof(organisation=self.organisation.data == "yes") if self.validate() else None


class PracticeForm(BaseForm):
    """At which practice one works."""

    main_field: ClassVar[str] = "practice_name"
    practice_name = StringField(say("Name of your practice"), filled_in(say("Type its name."), 200), filters=[one_line])
    practice_phone = StringField(say("Phone number"), filled_in(say("Type its number."), 50), filters=[one_line])
    practice_address = TextAreaField(say("Address"), filled_in(say("Type its address."), 500), filters=[one_line])

    def proof(self, _: date) -> Proof | None:
        if not self.validate():
            return None
        return Proof(
            practice_name=self.practice_name.data,
            practice_phone=self.practice_phone.data,
            practice_address=self.practice_address.data,
        )


ProofForm = ProofByBirthdate | OrganisationForm | PracticeForm
PROOFS: Mapping[Relationship, Callable[..., ProofForm]] = {
    Relationship.PATIENT: ProofByBirthdate,
    Relationship.COLLEAGUE_HERE: OrganisationForm,
    Relationship.COLLEAGUE_ELSEWHERE: PracticeForm,
}
"""What each relationship is asked."""


class AccountForm(BaseForm):
    """What one is called, and the password."""

    name = StringField(say("Your name"), filled_in(say("Type your name."), 100), filters=[one_line])
    password = PasswordField(say("Choose a password"))

    def judge(self, *, keeps_old: bool) -> bool:
        """Whether both will do; an empty password will, where one was chosen already."""
        right = bool(self.validate())
        typed = self.password.data or ""
        if not typed and keeps_old:
            return right
        if len(typed) < SHORTEST:
            words = say("This password is too short. Use at least %(count)s characters.", count=SHORTEST)
            self.refuse("password", words)
        elif len(typed) > LONGEST:
            words = say("This password is too long. Use at most %(count)s characters.", count=LONGEST)
            self.refuse("password", words)
        else:
            return right
        return False
