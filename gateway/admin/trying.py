"""A test mail through the gateway: handed in as a mail server does it, and looked up where it is held."""

import contextlib
import os
import smtplib
import subprocess
import sys
from collections.abc import Iterator
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, make_msgid
from ipaddress import ip_address
from pathlib import Path

from gateway.admin.access import ask
from gateway.config.hosts import is_loopback
from gateway.config.kinds import split_address
from gateway.config.settings import Settings
from gateway.domain.address import Address
from gateway.domain.model import Copy, Message
from gateway.edge.run.supervisor import is_in_use
from gateway.errors import ConfigError
from gateway.flow.context import Context

SECONDS = 30
_ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104 - where to reach who listens so
_SUBJECT = "[secure] A test of the secure-mail gateway"
_BODY = "This is a test of the secure-mail gateway. If you read this, it was not held: tell your administrator.\n"


def try_mail(settings: Settings, config: Path, sender: Address, recipient: Address) -> tuple[str, list[str]]:
    """Hand a secure mail in, and look what became of it: the queue id, and a line for each recipient.

    Where no gateway serves, one that only listens is started for it, and ended: nothing leaves. Raises ConfigError: in
    a line, what the gateway, or the start, said.
    """
    check_sender(settings, sender)
    check_recipient(settings, recipient)
    with _listening(settings, config) as (host, port):
        server = _ANYWHERE.get(host, host), port
        queue_id = _hand_in(server, _own_address(settings, server[0]), sender.typed, recipient.typed)
    return queue_id, ask(settings, lambda ctx: _became(ctx, queue_id))


def check_sender(settings: Settings, sender: Address) -> None:
    """Raises ConfigError."""
    if settings.policy().practice_of(sender) is None:
        raise ConfigError(f"--from: {sender.typed} writes for no practice; write an address in {_domains(settings)}")


def check_recipient(settings: Settings, recipient: Address) -> None:
    """Raises ConfigError."""
    if recipient.domain == settings.site.domain:
        raise ConfigError(
            f"--to: {recipient.typed} is the gateway's own, which takes commands there; write an address elsewhere"
        )


def _own_address(settings: Settings, host: str) -> str:
    """From which address of this machine the gateway takes secure mail; "" for the one that is used by itself.

    Beside a mail server only one of the loopback addresses may be trusted (config/postfix.md).
    """
    if not is_loopback(host):
        return ""
    to, networks = ip_address("127.0.0.1" if host == "localhost" else host), settings.smtp.trusted_networks
    if any(to in network for network in networks):
        return ""
    own = (network for network in networks if network.version == to.version and network.is_loopback)
    return next((str(address) for network in own for address in network.hosts()), "")


def _domains(settings: Settings) -> str:
    return ", ".join(domain for practice in settings.practices for domain in practice.domains)


@contextlib.contextmanager
def _listening(settings: Settings, config: Path) -> Iterator[tuple[str, int]]:
    if is_in_use(settings.serving_path):
        yield split_address(settings.smtp.listen)
        return
    command = [sys.executable, "-m", "gateway", "serve", "--only", "smtp", "--config", str(config)]
    free = {"GATEWAY_SMTP__LISTEN": "127.0.0.1:0", "GATEWAY_METRICS__LISTEN": "127.0.0.1:0"}
    with subprocess.Popen(  # noqa: S603 - ourselves
        command,
        env={**os.environ, **free},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield split_address(_ready(process).split("smtp=")[1].split()[0])
        finally:
            process.terminate()
            process.communicate()


def _ready(process: "subprocess.Popen[str]") -> str:
    line = process.stdout.readline() if process.stdout else ""
    if not line:
        _, said = process.communicate()
        why = (said.strip() or "see gateway check").splitlines()[-1]
        raise ConfigError(f"the gateway does not start: {why}")
    return line


def _hand_in(server: tuple[str, int], own: str, sender: str, recipient: str) -> str:
    """The queue id; `own` is the address that it is sent from, if not any. Raises ConfigError."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = sender, recipient, _SUBJECT
    mail["Date"], mail["Message-ID"] = formatdate(localtime=True), make_msgid(domain=sender.rpartition("@")[2])
    mail.set_content(_BODY)
    host, port = server
    try:
        with smtplib.SMTP(host, port, timeout=SECONDS, source_address=(own, 0) if own else None) as client:
            client.ehlo()
            client.mail(sender)
            _must(client.rcpt(recipient))
            return _must(client.data(mail.as_bytes(policy=SMTP))).split()[-1]
    except (OSError, smtplib.SMTPException) as error:
        raise ConfigError(f"smtp.listen: the gateway cannot be reached at {host}:{port} ({error})") from error


def _must(reply: tuple[int, bytes]) -> str:
    code, text = reply
    said = text.decode("utf-8", "replace")
    if code != 250:
        raise ConfigError(
            f"the gateway refused the mail: {code} {said}; if no address of this machine is in smtp.trusted_networks, "
            "leave it so, and send a first mail from a mail client, through your mail server"
        )
    return said


def _became(ctx: Context, queue_id: str) -> list[str]:
    messages = ctx.tx.find(Message, queue_id=queue_id)
    copies = ctx.tx.find(Copy, message_id__in=[one.id for one in messages]) if messages else []
    return [f"{copy.typed}: {copy.state.value}" for copy in copies]
