"""What a registered person fills in about their account."""

from wtforms import EmailField, PasswordField, RadioField, StringField, TextAreaField

from gateway.domain.translatable import say
from gateway.domain.vocabulary import DeliverTo
from gateway.portal.form import BaseForm, at_most, chosen, filled_in, one_line
from gateway.portal.new_password import NewPasswordForm
from gateway.portal.passwords import LONGEST

PASSWORD = filled_in(say("Type your password."), LONGEST)


class ProvedForm(BaseForm):
    """What a stolen session is not enough for: the second step, where there is one, beside the password."""

    factor = StringField(say("Code of your second step"), [at_most(60)], filters=[one_line])


class SignInForm(BaseForm):
    email = EmailField(say("Email address"), filled_in(say("Type your email address."), 320), filters=[one_line])
    password = PasswordField(say("Password"), PASSWORD)


class ResetForm(BaseForm):
    """Whose password was forgotten."""

    email = EmailField(say("Email address"), filled_in(say("Type your email address."), 320), filters=[one_line])


class ChangePasswordForm(NewPasswordForm, ProvedForm):
    """A new password, and the one so far."""

    old = PasswordField(say("Your password so far"), PASSWORD)


class OwnPasswordForm(ProvedForm):
    """The password once more, before something that only the person themselves may do."""

    password = PasswordField(say("Your password"), PASSWORD)


class AddressForm(OwnPasswordForm):
    """At which other address the account shall be."""

    email = EmailField(say("New email address"), filled_in(say("Type the new address."), 320), filters=[one_line])


class CodeForm(BaseForm):
    """A code from the phone, or a recovery code."""

    code = StringField(say("Code"), filled_in(say("Type the code."), 60), filters=[one_line])


class CodesForm(CodeForm, OwnPasswordForm):
    """Setting up codes: one shows that the phone has the secret."""


class PasskeyForm(OwnPasswordForm):
    """How a new passkey is called."""

    name = StringField(
        say("A name for it, such as My phone"), filled_in(say("Give it a name."), 60), filters=[one_line]
    )


class NameForm(BaseForm):
    name = StringField(say("Your name"), filled_in(say("Type your name."), 100), filters=[one_line])


class DeliveryForm(BaseForm):
    """Where a person reads."""

    delivery = RadioField(
        say("Where new messages go"),
        choices={
            DeliverTo.PORTAL: say("To this inbox. We send you an email when there is something new."),
            DeliverTo.RELAY: say("To your own mailbox, by your organization’s secure mail."),
        },
        validators=[chosen(say("Choose where new messages go."))],
        validate_choice=False,
    )


class OwnPracticeForm(BaseForm):
    """At which practice a colleague works."""

    practice_name = StringField(say("Name of your practice"), filled_in(say("Type its name."), 200), filters=[one_line])
    practice_phone = StringField(say("Phone number"), filled_in(say("Type its number."), 50), filters=[one_line])
    practice_address = TextAreaField(say("Address"), filled_in(say("Type its address."), 500), filters=[one_line])
