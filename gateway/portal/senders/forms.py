"""What a sender fills in."""

from datetime import date

from wtforms import RadioField, StringField

from gateway.domain.address import Address, address
from gateway.domain.translatable import say
from gateway.domain.verbs import COLLEAGUES, Verb
from gateway.domain.vocabulary import Details, Relationship
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

    @property
    def verb(self) -> Verb:
        """The verb that says the same by mail, once the form is found good."""
        return Verb(str(self.relationship.data).upper())

    def new_place(self) -> Address | None:
        """Where the sender's mail moves; None if that is no address, which the form then says."""
        try:
            return address(self.place.data or "")
        except BadAddress:
            self.refuse("place", say("Type an email address, such as pat@home.example."))
            return None

    def details(self, today: date) -> Details | None:
        """Who the person is; None if something is wrong, which the form then says."""
        if not self.validate():
            return None
        if self.relationship.data != "patient":
            return COLLEAGUES[self.verb]
        born = self.birthdate(today)
        return Details(Relationship.PATIENT, birthdate=born) if born else None
