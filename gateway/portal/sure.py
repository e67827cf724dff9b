"""What changes anything by a mailed link is asked about, by a choice that nobody has made yet.

Scanners of mail follow links and press buttons; they choose nothing.
"""

from starlette.responses import Response
from wtforms import RadioField

from gateway.domain.translatable import say
from gateway.portal.form import BaseForm, chosen
from gateway.portal.visit import Visit


class SureForm(BaseForm):
    """Yes or no, neither of which is chosen."""

    sure = RadioField(
        choices={"yes": say("Yes"), "no": say("No")},
        validators=[chosen(say("Choose Yes or No."))],
        validate_choice=False,
    )

    @property
    def is_yes(self) -> bool:
        return bool(self.sure.data == "yes")


def sure_form(visit: Visit) -> tuple[SureForm, bool]:
    """The form as the page that asks brought it back, or a fresh one; and whether it has been answered."""
    if not visit.typed("asked"):
        return SureForm(), False
    form = SureForm(visit.form)
    return form, form.validate()


def left_alone(visit: Visit) -> Response:
    """The answer was no."""
    return visit.show("left_alone")
