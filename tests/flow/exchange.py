"""A model of Exchange Online's transport rules: as much of it as the recipe in `config/microsoft365.md` uses.

The rules are the recipe's own `New-TransportRule` commands. A mail of several recipients is forked where a rule goes by
who they are, and each fork has header fields of its own, as Exchange writes them.
"""

import itertools
import re
import shlex
from dataclasses import dataclass, field, replace

from tests.peers import recipes

GATEWAY_IP = "192.0.2.10"
_HOPS = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail on its way through the tenant, in one fork."""

    octets: bytes
    mail_from: str
    recipients: tuple[str, ...]
    inside: bool
    """Whether its sender has signed in at the tenant, or it came by the gateway's connector."""
    ip: str = "2001:db8::1"

    def fields(self, name: str) -> list[str]:
        head = self.octets.partition(b"\r\n\r\n")[0].decode()
        unfolded = re.sub(r"\r\n[ \t]", " ", head)
        found = re.findall(rf"^{re.escape(name)}: ?(.*)$", unfolded, re.MULTILINE | re.IGNORECASE)
        return [value.rstrip("\r") for value in found]

    def without(self, name: str) -> "Mail":
        head, blank, body = self.octets.partition(b"\r\n\r\n")
        lines = re.sub(rb"(?im)^%s:.*(?:\r\n[ \t].*)*(?:\r\n|\Z)" % re.escape(name.encode()), b"", head + b"\r\n")
        return replace(self, octets=lines.removesuffix(b"\r\n") + blank + body)

    def with_field(self, name: str, value: str) -> "Mail":
        return replace(self, octets=f"{name}: {value}\r\n".encode() + self.octets)


Rule = dict[str, str]


def rules(page: str) -> list[Rule]:
    """The transport rules of a page's commands, in the order of their priority."""
    text = (recipes.CONFIG / page).read_text("utf-8").replace("`\n", " ")
    found = []
    for command in re.findall(r"^ *New-TransportRule (.*)$", text, re.MULTILINE):
        words = shlex.split(command)
        found.append({words[at].removeprefix("-"): words[at + 1].strip() for at in range(0, len(words), 2)})
    assert found
    return sorted(found, key=lambda rule: int(rule["Priority"]))


@dataclass
class Tenant:
    """Exchange Online for riverside.example. `to_gateway` and `to_world` are what left it, in order."""

    rules: list[Rule]
    domains: tuple[str, ...] = ("riverside.example", "secure.riverside.example")
    to_gateway: list[Mail] = field(default_factory=list)
    to_world: list[Mail] = field(default_factory=list)
    delivered: list[Mail] = field(default_factory=list)

    def take(self, mail: Mail) -> None:
        """A mail comes in: from a person, from outside, from the gateway."""
        for fork in self._forks(mail):
            self._run(fork)

    def _is_own(self, address: str) -> bool:
        return address.rpartition("@")[2] in self.domains

    def _forks(self, mail: Mail) -> list[Mail]:
        """One for those inside, and one for each two of those outside: large lists are split."""
        own = tuple(one for one in mail.recipients if self._is_own(one))
        others = [one for one in mail.recipients if not self._is_own(one)]
        groups = [own, *(tuple(others[at : at + 2]) for at in range(0, len(others), 2))]
        return [
            replace(mail, recipients=group).with_field("X-MS-Office365-Filtering-Correlation-Id", f"{next(_HOPS)}")
            for group in groups
            if group
        ]

    def _run(self, mail: Mail) -> None:
        for rule in self.rules:
            if not self._applies(rule, mail):
                continue
            if "RemoveHeader" in rule:
                mail = mail.without(rule["RemoveHeader"])
            if "SetHeaderName" in rule:
                name = rule["SetHeaderName"]
                mail = mail.without(name).with_field(name, rule["SetHeaderValue"])
            if "RouteMessageOutboundConnector" in rule:
                self.to_gateway.append(mail)
                return
            if rule.get("StopRuleProcessing") == "$true":
                break
        (self.delivered if self._is_own(mail.recipients[0]) else self.to_world).append(mail)

    def _applies(self, rule: Rule, mail: Mail) -> bool:
        """All conditions hold, and no exception does."""
        return all(
            self._holds(name, value, rule, mail) is not name.startswith("ExceptIf")
            for name, value in rule.items()
            if name.removeprefix("ExceptIf") in _CONDITIONS
        )

    def _holds(self, name: str, value: str, rule: Rule, mail: Mail) -> bool:
        prefix = "ExceptIf" if name.startswith("ExceptIf") else ""
        match name.removeprefix("ExceptIf"):
            case "FromScope":
                return mail.inside is (value == "InOrganization")
            case "SentToScope":
                return self._is_own(mail.recipients[0]) is (value == "InOrganization")
            case "RecipientDomainIs":
                return any(one.endswith(f"@{value}") for one in mail.recipients)
            case "SenderIpRanges":
                return mail.ip == value
            case "HeaderContainsWords":
                found = mail.fields(rule[f"{prefix}HeaderContainsMessageHeader"])
                return any(re.search(rf"\b{re.escape(value)}\b", one) for one in found)
            case _:
                found = mail.fields(rule[f"{prefix}HeaderMatchesMessageHeader"])
                return any(re.search(value, one) for one in found)


_CONDITIONS = (
    "FromScope",
    "SentToScope",
    "RecipientDomainIs",
    "SenderIpRanges",
    "HeaderContainsWords",
    "HeaderMatchesPatterns",
)
