"""What a registered person fills in about their account."""

from wtforms import EmailField, PasswordField

from gateway.domain.saying import say
from gateway.portal.form import BaseForm, filled_in, one_line
from gateway.portal.passwords import LONGEST


class SignInForm(BaseForm):
    email = EmailField(say("Email address"), filled_in(say("Type your email address."), 320), filters=[one_line])
    password = PasswordField(say("Password"), filled_in(say("Type your password."), LONGEST))
