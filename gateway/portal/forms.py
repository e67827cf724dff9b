"""The forms: which fields there are, and in which words a wrong one is sent back."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, ClassVar, Self

from wtforms import EmailField, Form, MultipleFileField, PasswordField, RadioField, StringField, TextAreaField
from wtforms.validators import DataRequired, Length, ValidationError

from gateway.domain.birthdate import Doubt, from_parts
from gateway.domain.vocabulary import Relationship
from gateway.flow.register import Proof
from gateway.mail.decoding import clean
from gateway.portal.passwords import LONGEST, SHORTEST

DOUBTS: Mapping[Doubt, str] = {
    Doubt.AMBIGUOUS: "We cannot tell which date you mean. Check the day, the month and the year.",
    Doubt.IMPOSSIBLE: "There is no such date. Check the day and the month.",
    Doubt.FUTURE: "This date is in the future. Check the year.",
    Doubt.TOO_OLD: "This date is too long ago. Check the year: it has four digits, such as 1980.",
    Doubt.UNREADABLE: "Type the date in numbers, with four digits for the year, such as 3 2 1980.",
    Doubt.MISSING: "Fill in the day, the month and the year.",
}


def _line(text: str | None) -> str:
    """One line, without what nobody sees: it may end up in a mail's header."""
    return clean(text or "")


def _needed(words: str) -> DataRequired:
    return DataRequired(words)


def _chosen(words: str) -> Callable[[Any, Any], None]:
    def check(_: Any, field: Any) -> None:
        if field.data not in field.choices:
            raise ValidationError(words)

    return check


def _at_most(count: int) -> Length:
    return Length(max=count, message=f"This is too long. Use at most {count} characters.")


class BaseForm(Form):  # type: ignore[misc]  # WTForms has no types
    """What all our forms have in common."""

    def refuse(self, name: str, words: str) -> None:
        """Send a field back with these words."""
        self[name].errors = [*self[name].errors, words]

    def numbered(self, number: int) -> Self:
        """The same form with ids of its own, where a page has several."""
        for one in self:
            one.id = f"{one.name}-{number}"
        return self

    @property
    def wrong(self) -> list[tuple[str, str]]:
        """The id of each field that was sent back, with the words, for the summary at the top of the page."""
        return [(fault.id, words) for fault in self for words in fault.errors]


# ------------------------------------------------------------------------------------------------ showing who one is


class BirthdateForm(BaseForm):
    """A date of birth in three fields."""

    main_field: ClassVar[str] = "day"
    day = StringField("Day", [_at_most(20)], filters=[_line])
    month = StringField("Month", [_at_most(20)], filters=[_line])
    year = StringField("Year", [_at_most(20)], filters=[_line])

    def birthdate(self, today: date) -> date | None:
        """The date; None if it cannot be one, which the form then says. That is no try."""
        if not self.validate():
            return None
        read = from_parts(self.day.data, self.month.data, self.year.data, today)
        if isinstance(read, Doubt):
            self.refuse("day", DOUBTS[read])
            return None
        return read

    def proof(self, today: date) -> Proof | None:
        read = self.birthdate(today)
        return Proof(birthdate=read) if read else None


class OrganisationForm(BaseForm):
    """Whether one works at the practice that invites."""

    main_field: ClassVar[str] = "organisation"
    organisation = RadioField(
        choices={"yes": "Yes", "no": "No"}, validators=[_chosen("Choose Yes or No.")], validate_choice=False
    )

    def proof(self, _: date) -> Proof | None:
        return Proof(organisation=self.organisation.data == "yes") if self.validate() else None


class PracticeForm(BaseForm):
    """At which practice one works."""

    main_field: ClassVar[str] = "practice_name"
    practice_name = StringField("Name of your practice", [_needed("Type its name."), _at_most(200)], filters=[_line])
    practice_phone = StringField("Phone number", [_needed("Type its number."), _at_most(50)], filters=[_line])
    practice_address = TextAreaField("Address", [_needed("Type its address."), _at_most(500)], filters=[_line])

    def proof(self, _: date) -> Proof | None:
        if not self.validate():
            return None
        return Proof(
            practice_name=self.practice_name.data,
            practice_phone=self.practice_phone.data,
            practice_address=self.practice_address.data,
        )


ProofForm = BirthdateForm | OrganisationForm | PracticeForm
PROOFS: Mapping[Relationship, Callable[..., ProofForm]] = {
    Relationship.PATIENT: BirthdateForm,
    Relationship.COLLEAGUE_HERE: OrganisationForm,
    Relationship.COLLEAGUE_ELSEWHERE: PracticeForm,
}
"""What each relationship is asked."""


class AccountForm(BaseForm):
    """What one is called, and the password."""

    name = StringField("Your name", [_needed("Type your name."), _at_most(100)], filters=[_line])
    password = PasswordField("Choose a password")

    def judge(self, *, keeps_old: bool) -> bool:
        """Whether both will do; an empty password will, where one was chosen already."""
        right = bool(self.validate())
        typed = self.password.data or ""
        if not typed and keeps_old:
            return right
        if len(typed) < SHORTEST:
            self.refuse("password", f"This password is too short. Use at least {SHORTEST} characters.")
        elif len(typed) > LONGEST:
            self.refuse("password", f"This password is too long. Use at most {LONGEST} characters.")
        else:
            return right
        return False


# ----------------------------------------------------------------------------------------------------------- the rest


class SignInForm(BaseForm):
    email = EmailField("Email address", [_needed("Type your email address."), _at_most(320)], filters=[_line])
    password = PasswordField("Password", [_needed("Type your password."), _at_most(LONGEST)])


class ReplyForm(BaseForm):
    """A message; its files are read from the posted form itself."""

    subject = StringField("Subject", [_at_most(200)], filters=[_line])
    body = TextAreaField("Your message", [_needed("Write your message."), _at_most(200_000)])
    attachments = MultipleFileField("Files")


class ComposeForm(ReplyForm):
    """A message to somebody who wrote before; `to` is given its choices for each person."""

    to = RadioField("To", validators=[_chosen("Choose whom to write to.")], validate_choice=False)


class RelationshipForm(BirthdateForm):
    """What a person is to the sender who wrote to them, with a patient's date of birth."""

    relationship = RadioField(
        choices={
            "patient": "A patient, or somebody who acts for one",
            "clinician": "A clinician at my practice",
            "staff": "A member of staff at my practice",
            "colleague": "A colleague at another practice",
        },
        validators=[_chosen("Choose who this person is.")],
        validate_choice=False,
    )

    def command(self, today: date) -> str | None:
        """The line that says the same by mail; None if something is wrong, which the form then says."""
        if not self.validate():
            return None
        if self.relationship.data != "patient":
            return str(self.relationship.data).upper()
        read = self.birthdate(today)
        return f"PATIENT {read.isoformat()}" if read else None
