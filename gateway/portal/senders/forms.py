"""What a sender fills in."""

from datetime import date

from wtforms import RadioField

from gateway.domain.saying import say
from gateway.portal.form import BirthdateForm, chosen


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

    def command(self, today: date) -> str | None:
        """The line that says the same by mail; None if something is wrong, which the form then says."""
        if not self.validate():
            return None
        if self.relationship.data != "patient":
            return str(self.relationship.data).upper()
        read = self.birthdate(today)
        return f"PATIENT {read.isoformat()}" if read else None
