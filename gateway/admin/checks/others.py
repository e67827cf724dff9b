"""Who else takes part: mailbox, virus scanner, directory, sign-ins, the collector of traces, the object store."""

import asyncio

from gateway.adapters import admin_sign_in, can_trace, directory, mailbox_server, sign_ins
from gateway.admin.checks.finding import Finding, fault, ok, warning
from gateway.config.settings import Settings
from gateway.database import objects
from gateway.edge.clamd import Clamd
from gateway.edge.imap.session import MailboxError, Session
from gateway.errors import DirectoryDown, StoreBusy, StoreFull
from gateway.ports import ScannerDown, SignInFailed


async def mailbox(settings: Settings) -> list[Finding]:
    server = mailbox_server(settings)
    if server is None:
        return [ok("mailbox", "none is read (mailbox.host)")]
    session = Session(server)
    try:
        await session.open()
    except MailboxError as error:
        return [fault("mailbox", str(error), "look at mailbox.host, port, username and password_file")]
    finally:
        await session.close()
    if not settings.mailbox.authserv_id:
        said = "is empty, so no author is believed and no command runs"
        return [warning("mailbox.authserv_id", said, "write the name that your mail server puts into the field")]
    if not session.can_idle:
        return [warning("mailbox", "the server has no IDLE, so that it is looked at once a minute")]
    return [ok("mailbox")]


async def scanner(settings: Settings) -> list[Finding]:
    if not settings.scan.clamd:
        return [ok("scan", "files are not looked at for viruses (scan.clamd is empty)")]
    try:
        await Clamd(settings.scan.clamd, patience=5).ping()
    except ScannerDown as error:
        return [fault("scan.clamd", f"{error}, so that no file will be given out", "start clamd")]
    return [ok("scan", f"clamd at {settings.scan.clamd} answers")]


async def telemetry(settings: Settings) -> list[Finding]:
    can_trace(settings)
    endpoint = settings.telemetry.endpoint
    if not endpoint:
        return [ok("telemetry", "no traces are told (telemetry.endpoint is empty)")]
    from gateway.edge.run.otel import takes_traces  # noqa: PLC0415 - an extra

    if not await asyncio.to_thread(takes_traces, endpoint):
        said = f"{endpoint} takes no traces, so that they will be lost; mail flows all the same"
        return [warning("telemetry.endpoint", said, "look whether the collector runs, and takes OTLP over HTTP")]
    return [ok("telemetry", f"{endpoint} takes traces")]


async def people(settings: Settings) -> list[Finding]:
    found = directory(settings)
    if found is None:
        return [ok("directory", "none is asked who is a colleague (directory.url is empty)")]
    try:
        await found.check()
    except DirectoryDown as error:
        return [fault("directory.url", f"{error}, so that secure mail to its people waits")]
    finally:
        found.close()
    return [ok("directory", f"{settings.directory.url} answers")]


async def openid(settings: Settings) -> list[Finding]:
    found, admin = sign_ins(settings), admin_sign_in(settings)
    for key, one in [*(("openid", one) for one in found.values()), *([("admin.issuer", admin)] if admin else [])]:
        try:
            await one.check()
        except SignInFailed as error:
            return [fault(key, str(error))]
    return [ok("openid", ", ".join(found) or "no practice has a sign-in of its own")]


async def bucket(settings: Settings) -> list[Finding]:
    found = objects(settings)
    if found is None:
        return [ok("objects", "no content lies in an object store (objects.bucket is empty)")]
    try:
        await asyncio.to_thread(found.try_out)
    except (StoreBusy, StoreFull, KeyError) as error:
        said = f"an object cannot be written, read and removed, so that large mail waits: {error}"
        return [fault("objects.bucket", said, "look at objects.endpoint, the key and what it may do")]
    return [ok("objects", f"{settings.objects.bucket} at {settings.objects.endpoint} can be written and read")]
