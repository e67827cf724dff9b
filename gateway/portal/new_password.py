"""Choosing a password, wherever that is done: long enough, and not among the first that a guesser tries."""

from collections.abc import Sequence

from wtforms import PasswordField

from gateway.domain.translatable import say
from gateway.portal.form import BaseForm
from gateway.portal.passwords import LONGEST, SHORTEST, Passwords
from gateway.portal.turns import Asker


class NewPasswordForm(BaseForm):
    """A form with a password to be chosen."""

    password = PasswordField(say("Choose a password"))

    def is_possible(self, *, may_be_empty: bool = False) -> bool:
        """Whether all its fields will do, as far as can be seen at once."""
        right = bool(self.validate())
        typed = self.password.data or ""
        if not typed and may_be_empty:
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

    async def is_hard_to_guess(self, passwords: Passwords, about: Sequence[str], asker: Asker) -> bool:
        """Whether it is, given what is known about the person. Raises TryAgain."""
        typed = self.password.data
        if not typed or not await passwords.is_guessable(typed, about, asker):
            return True
        words = say("This password is easy to guess. Try three or four words that don’t belong together.")
        self.refuse("password", words)
        return False
