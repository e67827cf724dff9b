"""Setting a gateway up, and looking whether everything that serving needs is there: `gateway init`, `gateway check`."""

import asyncio
import ipaddress
import json
import os
import shutil
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any

import dns.exception
import dns.resolver

from gateway.adapters import hops, mailbox_server, server_tls, sign_ins
from gateway.config import Settings
from gateway.config_kinds import is_loopback, split_address
from gateway.domain.model import Delivery
from gateway.domain.vocabulary import DeliveryState
from gateway.edge.clamd import Clamd
from gateway.edge.clock import the_clock
from gateway.edge.imap_session import MailboxError, Session
from gateway.edge.sign_in import users
from gateway.edge.smtp_out import probe
from gateway.errors import ConfigError, StoreBusy, StoreDamaged, StoreFull, WrongKey
from gateway.flow import proxies
from gateway.flow.proxies import Doubt
from gateway.ports import ScannerDown, SignInFailed
from gateway.prepare import check_at_hand, check_keys, check_writable, keys_of, templates_of
from gateway.settings_file import build
from gateway.store.connections import damage_of, open_database
from gateway.store.migrations import migrate
from gateway.store.runner import read_once
from gateway.store.sealing import new_key_file

DNS_SECONDS = 3.0
ENOUGH_ROOM = 500_000_000
"""Octets: ten of the largest mails."""

# ---------------------------------------------------------------------------------------------------------------- init


@dataclass(frozen=True, slots=True)
class Answers:
    """What `init` has to know."""

    domain: str
    practice: str
    practice_domain: str
    next_hop: str
    portal_url: str


def set_up(folder: Path, answers: Answers) -> list[str]:
    """Write settings, keys and an empty database into a folder; what was done, in lines.

    Raises ConfigError for an answer that cannot be used, and FileExistsError rather than overwrite anything.
    """
    data = _settings(answers)
    settings = build(data, folder.resolve())  # refuses bad answers before anything is written
    files = {folder / "gateway.toml": _toml(data), folder / "gateway.keys": new_key_file()}
    for file in (*files, settings.database_path):
        if file.exists():
            raise FileExistsError(f"{file} exists already; nothing was written")
    folder.mkdir(parents=True, exist_ok=True)
    for file, text in files.items():
        _write_private(file, text)
    _write_private(settings.database_path, "")
    migrate(open_database(settings.database_path))
    return [
        f"wrote {folder / 'gateway.toml'}: the settings; config/gateway.example.toml explains every key",
        f"wrote {folder / 'gateway.keys'}: keep a copy of it apart from the database; without it, held mail is lost",
        f"wrote {settings.database_path}: an empty database",
        f"next: gateway check --config {folder / 'gateway.toml'}",
    ]


def _settings(answers: Answers) -> dict[str, Any]:
    hop_host = answers.next_hop.rpartition(":")[0].strip("[]")
    return {
        "site": {
            "name": f"{answers.practice} Secure Mail",
            "domain": answers.domain,
            "portal_url": answers.portal_url,
            "timezone": _local_zone(),
        },
        "practices": [{"name": answers.practice, "domains": [answers.practice_domain]}],
        "next_hop": {"address": answers.next_hop, "tls": "opportunistic" if is_loopback(hop_host) else "verified"},
    }


def _local_zone() -> str:
    """This machine's own zone, where it says so."""
    name = os.environ.get("TZ", "") or str(Path("/etc/localtime").resolve()).partition("/zoneinfo/")[2]
    return name if "/" in name else "Etc/UTC"


def _toml(data: dict[str, Any]) -> str:
    lines = ["# Settings of the secure-mail gateway; every other key has a default: see config/gateway.example.toml."]
    for name, tables in data.items():
        for table in tables if isinstance(tables, list) else [tables]:
            lines += ["", f"[[{name}]]" if isinstance(tables, list) else f"[{name}]"]
            lines += [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in table.items()]
    return "\n".join(lines) + "\n"


def _write_private(file: Path, text: str) -> None:
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as opened:
        opened.write(text)


# --------------------------------------------------------------------------------------------------------------- check


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of what `check` found; a fault makes it exit 1, a warning does not."""

    line: str
    fault: bool = False


async def inspect(settings: Settings) -> list[Finding]:
    """Look at everything that serving needs, one thing after another."""
    findings = [Finding("ok       settings")]
    for look in _LOOKS:
        try:
            findings.append(await look(settings))
        except (ConfigError, WrongKey, StoreBusy, StoreFull, StoreDamaged, OSError) as error:
            findings.append(Finding(f"FAULT    {error}", fault=True))
    return [*findings, Finding(_recipe(settings))]


async def _scanner(settings: Settings) -> Finding:
    if not settings.scan.clamd:
        return Finding("ok       scan: files are not looked at for viruses (scan.clamd is empty)")
    try:
        await Clamd(settings.scan.clamd, patience=5).ping()
    except ScannerDown as error:
        return Finding(f"FAULT    scan.clamd: {error}; files will not be given out", fault=True)
    return Finding(f"ok       scan: clamd at {settings.scan.clamd} answers")


async def _sign_ins(settings: Settings) -> Finding:
    found = sign_ins(settings)
    try:
        for one in found.values():
            await one.check()
    except SignInFailed as error:
        return Finding(f"FAULT    openid: {error}", fault=True)
    said = ", ".join(found) or "no practice has a sign-in of its own"
    return Finding(f"ok       openid: {said}")


async def _proxies(settings: Settings) -> Finding:
    """What a running portal has lately seen of the proxy before it."""
    found = []
    if settings.database_path.exists():
        now = the_clock().now()
        found = await asyncio.to_thread(
            read_once, open_database(settings.database_path), lambda tx: proxies.seen(tx, now)
        )
    for sight in found:
        address = ipaddress.ip_address(sight.peer)
        trusted = any(address in network for network in settings.portal.trusted_proxies)
        if trusted == (sight.doubt is Doubt.MUTE):
            do = "have it set X-Forwarded-For" if trusted else "if it is your proxy, write its address there"
            return Finding(
                f"warning  portal.trusted_proxies: {sight.peer} {sight.doubt} (last {sight.at:%Y-%m-%d %H:%M} UTC), "
                f"so that all who come by it count as one client; {do}"
            )
    return Finding("ok       portal.trusted_proxies: no sign of a proxy that is not set up")


async def _keys(settings: Settings) -> Finding:
    file = settings.path(settings.keys.file)
    keys_of(settings)
    if file.stat().st_mode & 0o077:
        return Finding(f"warning  keys: others can read {file}; chmod 600 {file}")
    return Finding("ok       keys")


async def _database(settings: Settings) -> Finding:
    path = settings.database_path
    check_writable(settings)
    check_at_hand(settings)
    if not path.exists():
        return Finding(f"ok       database: {path} will be made when serving starts")
    keys = keys_of(settings)
    database = open_database(path)
    if damage := await asyncio.to_thread(damage_of, database):
        return Finding(f"FAULT    database: {path} is damaged ({damage}); restore it from a backup", fault=True)
    await asyncio.to_thread(read_once, database, lambda tx: check_keys(tx, keys))
    aside = await asyncio.to_thread(read_once, database, lambda tx: tx.count(Delivery, state=DeliveryState.QUARANTINED))
    if aside:
        return Finding(
            f"FAULT    queue: {aside} mails could not be prepared for sending; see gateway queue list --set-aside",
            fault=True,
        )
    return Finding("ok       database")


async def _disk(settings: Settings) -> Finding:
    folder = settings.database_path.parent
    space = shutil.disk_usage(folder)
    said = f"{space.free // 1_000_000} MB are free where {folder} lies"
    if space.free < ENOUGH_ROOM:
        return Finding(f"FAULT    disk: only {said}; mail is refused when it is full", fault=True)
    if space.free < space.total // 20:
        return Finding(f"warning  disk: {said}, less than a twentieth")
    return Finding(f"ok       disk: {said}")


async def _templates(settings: Settings) -> Finding:
    templates = templates_of(settings)
    faults = await asyncio.to_thread(templates.faults, {one.language for one in settings.policy().practices})
    if faults:
        return Finding(f"warning  site.templates: ours is used in the place of {'; '.join(faults)}")
    return Finding(f"ok       templates{' (with the site’s own)' if settings.site.templates else ''}")


async def _tls(settings: Settings) -> Finding:
    if server_tls(settings) is None:
        return Finding("warning  smtp.tls_cert: none, so mail reaches this listener in clear; fine on one machine")
    return Finding("ok       TLS of the listener")


async def _users(settings: Settings) -> Finding:
    if not settings.smtp.users_file:
        return Finding("ok       sign-in at the listener: nobody's (smtp.users_file)")
    file = settings.path(settings.smtp.users_file)
    count = len(users(file))
    if file.stat().st_mode & 0o077:
        return Finding(f"warning  smtp.users_file: others can read {file}; chmod 600 {file}")
    return Finding(f"ok       sign-in at the listener: {count} logins")


async def _mailbox(settings: Settings) -> Finding:
    server = mailbox_server(settings)
    if server is None:
        return Finding("ok       mailbox: none is read (mailbox.host)")
    session = Session(server)
    try:
        await session.open()
        if not settings.mailbox.authserv_id:
            return Finding("warning  mailbox.authserv_id: empty, so no author is believed and no command runs")
        if not session.can_idle:
            return Finding("warning  mailbox: the server has no IDLE; it is looked at once a minute")
        return Finding("ok       mailbox")
    except MailboxError as error:
        return Finding(f"FAULT    mailbox: {error}", fault=True)
    finally:
        await session.close()


async def _listeners(settings: Settings) -> Finding:
    busy = [
        f"{name}.listen"
        for name, address in (
            ("smtp", settings.smtp.listen),
            ("portal", settings.portal.listen),
            ("metrics", settings.metrics.listen),
        )
        if not _is_free(*split_address(address))
    ]
    if busy:
        return Finding(f"warning  {', '.join(busy)}: in use already (by this gateway, if it runs now)")
    return Finding("ok       listeners")


def _is_free(host: str, port: int) -> bool:
    try:
        with socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET):
            return True
    except OSError:
        return False


async def _hops(settings: Settings) -> Finding:
    faults = []
    for domain, hop in hops(settings).items():
        fault = await probe(hop, settings.site.domain)
        if fault:
            faults.append(f"{f'relay for {domain}' if domain else 'next_hop'}: {hop.host}:{hop.port}: {fault}")
    if faults:
        raise ConfigError("; ".join(faults))
    return Finding("ok       next hop" + (" and relays" if settings.relays else ""))


async def _dns(settings: Settings) -> Finding:
    domain = settings.site.domain
    try:
        await asyncio.to_thread(dns.resolver.resolve, domain, "MX", lifetime=DNS_SECONDS)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return Finding(f"warning  DNS: {domain} has no MX; replies from outside (bounces) need one")
    except dns.exception.DNSException:
        return Finding("warning  DNS: cannot be reached from here; not looked at")
    return Finding("ok       DNS")


_LOOKS: tuple[Callable[[Settings], Awaitable[Finding]], ...] = (
    *(_keys, _database, _disk, _templates, _tls, _users, _mailbox, _scanner, _sign_ins),
    *(_listeners, _proxies, _hops, _dns),
)


def _recipe(settings: Settings) -> str:
    """What to paste into the practice's mail server."""
    host, port = split_address(settings.smtp.listen)
    _, hop_port = split_address(settings.next_hop.address)
    domain = settings.site.domain
    return dedent(
        f"""
        To put the gateway into the way of outgoing mail:

        Postfix, main.cf (mail of signed-in users goes through the gateway, and so does all mail for {domain}):
            relay_domains = $mydestination, {domain}
            transport_maps = inline:{{ {domain}=smtp:[{host}]:{port} }}
        Postfix, master.cf (in the submission service, and a way back in for the next hop):
            submission … -o content_filter=smtp:[{host}]:{port}
            127.0.0.1:{hop_port} inet n - n - - smtpd -o content_filter= -o mynetworks=127.0.0.0/8
        Exchange, PowerShell:
            New-SendConnector -Name "Secure mail" -AddressSpaces "*" -SmartHosts "[{host}]" -Port {port} -Usage Custom
        config/postfix.md and config/exchange.md say the rest."""
    )
