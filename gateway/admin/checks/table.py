"""All that `gateway check` asks, in the order in which it says it."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

from gateway.admin.checks import files, hops, listeners, others, portal, sense, store
from gateway.admin.checks.finding import Finding, of_error
from gateway.admin.dns.judged import judged
from gateway.admin.dns.resolver import Resolver
from gateway.config.settings import Settings
from gateway.config.toml_file import load_in_part
from gateway.errors import ConfigError, StoreBusy, StoreDamaged, StoreFull, WrongKey

Check = Callable[[Settings], Awaitable[Iterable[Finding]]]


async def _dns(settings: Settings) -> list[Finding]:
    return await asyncio.to_thread(judged, settings, Resolver(settings.dns.resolver))


CHECKS: dict[str, Check] = {
    "settings": sense.sense,
    "files": files.files,
    "database": store.database,  # before all that open it
    "keys": store.keys,
    "ledger": store.ledger,
    "backup": store.backup,
    "disk": store.disk,
    "templates": portal.templates,
    "smtp.tls_cert": listeners.tls,
    "smtp.users_file": listeners.logins,
    "mailbox": others.mailbox,
    "scan": others.scanner,
    "objects": others.bucket,
    "openid": others.openid,
    "directory": others.people,
    "telemetry": others.telemetry,
    "listeners": listeners.addresses,
    "site.portal_url": portal.visit,
    "portal.trusted_proxies": portal.proxies,
    "next_hop": hops.hops,
    "dns": _dns,
}
"""What is looked at, by its name: that of the key whose fault it mostly is."""
DATABASE = "database.url"


async def look_at(file: Path) -> tuple[Settings | None, list[Finding]]:
    """All that is found of a settings file and of what it names; the settings, so far as they can be used.

    A key that cannot be used is left out, so that what else is wrong is said with it. Raises nothing.
    """
    try:
        settings, faults = load_in_part(file)
    except ConfigError as error:
        settings, faults = None, str(error).splitlines()
    findings = [one for line in faults for one in of_error(line)]
    named = {one.key for one in findings}
    found = await inspect(settings) if settings else []
    return settings, [*findings, *(one for one in found if one.key not in named)]


async def inspect(settings: Settings) -> list[Finding]:
    """Look at everything that serving needs, one thing after another; what two of them say, once."""
    found: dict[Finding, None] = {}
    for name, check in CHECKS.items():
        try:
            found |= dict.fromkeys(await check(settings))
        except (ConfigError, WrongKey) as error:
            found |= dict.fromkeys(of_error(str(error)))
        except StoreDamaged as error:
            found[store.damaged(settings, error)] = None
        except (StoreBusy, StoreFull) as error:
            if not any(one.key == DATABASE for one in found):
                found |= dict.fromkeys(of_error(f"{DATABASE}: {error}"))
        except OSError as error:
            place = f"{error.filename}: " if error.filename else ""
            found |= dict.fromkeys(of_error(f"{name}: {place}{error.strerror or error}"))
    return list(found)
