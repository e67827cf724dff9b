"""What a person fills in to write a message."""

from typing import ClassVar

from wtforms import MultipleFileField, RadioField, StringField, TextAreaField

from gateway.domain.translatable import say
from gateway.portal.form import BaseForm, at_most, chosen, filled_in, one_line


class ReplyForm(BaseForm):
    """A message; its files are read from the posted form itself."""

    LONGEST: ClassVar[int] = 200_000
    subject = StringField(say("Subject"), [at_most(200)], filters=[one_line])
    body = TextAreaField(say("Your message"), filled_in(say("Write your message."), LONGEST))
    attachments = MultipleFileField(say("Files"))


class ComposeForm(ReplyForm):
    """A message to somebody who wrote before; `to` is given its choices for each person."""

    to = RadioField(say("To"), validators=[chosen(say("Choose whom to write to."))], validate_choice=False)
