"""What an invited person fills in."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import ClassVar

from wtforms import RadioField, StringField

from gateway.domain.translatable import say
from gateway.domain.vocabulary import Relationship
from gateway.flow.accounts.registration import Proof
from gateway.portal.account.forms import OwnPracticeForm
from gateway.portal.form import BaseForm, BirthdateForm, chosen, filled_in, one_line
from gateway.portal.new_password import NewPasswordForm


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


class PracticeForm(OwnPracticeForm):
    """At which practice one works."""

    main_field: ClassVar[str] = "practice_name"

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


class AccountForm(NewPasswordForm):
    """What one is called, and the password."""

    name = StringField(say("Your name"), filled_in(say("Type your name."), 100), filters=[one_line])
