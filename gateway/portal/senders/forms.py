"""What a sender fills in."""

from datetime import date

from wtforms import RadioField, StringField

from gateway.domain.address import address
from gateway.domain.saying import say
from gateway.errors import BadAddress
from gateway.portal.form import BirthdateForm, at_most, chosen, one_line


class RelationshipForm(BirthdateForm):
    """What a person is to the sender who wrote to them, with a patient's date of birth."""

    relationship = RadioField(
        choices={
            "patient": say("A patient, or somebody who acts for one"),
            "clinician": say("A clinician at my practice"),
            "staff": say("A member of staff at my practice"),
            "colleague": say("A colleague at another practice"),
        },
        validators=[chosen(say("Choose who this person is."))],
        validate_choice=False,
    )

    place = StringField(say("Their right email address"), [at_most(320)], filters=[one_line])

    def new_place(self) -> str | None:
        """The line that moves the sender's mail; None if that is no address, which the form then says."""
        try:
            return f"MOVE {address(self.place.data or '').typed}"
        except BadAddress:
            self.refuse("place", say("Type an email address, such as pat@home.example."))
            return None

    def command(self, today: date) -> str | None:
        """The line that says the same by mail; None if something is wrong, which the form then says."""
        if not self.validate():
            return None
        if self.relationship.data != "patient":
            return str(self.relationship.data).upper()
        read = self.birthdate(today)
        return f"PATIENT {read.isoformat()}" if read else None
