import pytest

from gateway.domain.address import address
from gateway.domain.machines import is_never_read


@pytest.mark.parametrize(
    "local",
    [
        *("noreply", "no-reply", "NO_REPLY", "No.Reply", "donotreply", "do-not-reply", "do_not_reply", "dont-reply"),
        *("noreply2", "ehr-noreply", "noreply+results", "results.no-reply", "never-reply", "noresponse"),
        *("mailer", "mailer-daemon", "auto-mailer", "MAILER-DAEMON", "daemon", "lab-mailer"),
        *("keine-antwort", "nicht-antworten", "ne-pas-repondre", "nepasrepondre", "no-responder", "nocontestar"),
    ],
)
def test_nobody_reads_there(local: str) -> None:
    assert is_never_read(address(f"{local}@riverside.example"))


@pytest.mark.parametrize(
    "local",
    [
        *(
            "ada",
            "reception",
            "info",
            "results",
            "noreen",
            "noor.eply",
            "replies",
            "reply",
            "donna",
            "ehr",
            "nora.play",
        ),
        *("mail", "mailing", "o.reply", "postmaster", "e.mailerova"),
    ],
)
def test_somebody_may_read_there(local: str) -> None:
    assert not is_never_read(address(f"{local}@riverside.example"))
