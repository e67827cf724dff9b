"""What our forms are made of: fields, and the words in which a wrong one is sent back."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, ClassVar, Self

from wtforms import Form, StringField
from wtforms.validators import DataRequired, ValidationError

from gateway.domain.birthdate import Doubt, from_parts
from gateway.domain.translatable import Translatable, say
from gateway.mail.decoding import clean

REFUSED = 422
"""The status of a form that is sent back (RFC 9110 §15.5.21)."""

DOUBTS: Mapping[Doubt, Translatable] = {
    Doubt.AMBIGUOUS: say("We cannot tell which date you mean. Check the day, the month and the year."),
    Doubt.IMPOSSIBLE: say("There is no such date. Check the day and the month."),
    Doubt.FUTURE: say("This date is in the future. Check the year."),
    Doubt.TOO_OLD: say("This date is too long ago. Check the year: it has four digits, such as 1980."),
    Doubt.UNREADABLE: say("Type the date in numbers, with four digits for the year, such as 3 2 1980."),
    Doubt.MISSING: say("Fill in the day, the month and the year."),
}


def one_line(text: str | None) -> str:
    """One line, without what nobody sees: it may end up in a mail's header."""
    return clean(text or "")


def needed(words: Translatable) -> DataRequired:
    return DataRequired(words)


def filled_in(words: Translatable, most: int) -> list[Any]:
    """Something must be typed, and no more characters than that."""
    return [needed(words), at_most(most)]


def chosen(words: Translatable) -> Callable[[Any, Any], None]:
    """One of the choices must be taken."""

    def check(_: Any, field: Any) -> None:
        if field.data not in field.choices:
            raise ValidationError(words)

    return check


def at_most(count: int) -> Callable[[Any, Any], None]:
    """No more characters than that."""

    def check(_: Any, field: Any) -> None:
        if field.data and len(field.data) > count:
            raise ValidationError(say("This is too long. Use at most %(count)s characters.", count=count))

    return check


class BaseForm(Form):  # type: ignore[misc]  # WTForms has no types
    """What all our forms have in common."""

    def refuse(self, name: str, words: Translatable) -> None:
        """Send a field back with these words."""
        self[name].errors = [*self[name].errors, words]

    def numbered(self, number: int) -> Self:
        """The same form with ids of its own, where a page has several."""
        for one in self:
            one.id = f"{one.name}-{number}"
        return self

    @property
    def wrong(self) -> list[tuple[str, Translatable]]:
        """The id of each field that was sent back, with the words, for the summary at the top of the page."""
        return [(fault.id, words) for fault in self for words in fault.errors]


class BirthdateForm(BaseForm):
    """A date of birth in three fields."""

    main_field: ClassVar[str] = "day"
    day = StringField(say("Day"), [at_most(20)], filters=[one_line])
    month = StringField(say("Month"), [at_most(20)], filters=[one_line])
    year = StringField(say("Year"), [at_most(20)], filters=[one_line])

    def birthdate(self, today: date) -> date | None:
        """The date; None if it cannot be one, which the form then says. That is no try."""
        if not self.validate():
            return None
        read = from_parts(self.day.data, self.month.data, self.year.data, today)
        if isinstance(read, Doubt):
            self.refuse("day", DOUBTS[read])
            return None
        return read
