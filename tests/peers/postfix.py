"""A private Postfix: unpacked, not installed; everything of its own in one temporary folder, loopback only."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.peers import fetch
from tests.peers.fakeroot import Fakeroot
from tests.peers.ports import reserve
from tests.peers.process import end, listens, wait_for, wait_until_listening

# Postfix insists on two users that are not root and not each other. Every Linux has these two.
OWNER, GROUP = "daemon", "bin"
QUEUES = "active bounce corrupt defer deferred flush hold incoming private public saved trace"

MAIN = {
    "compatibility_level": "3.6",
    "import_environment": "MAIL_CONFIG LD_LIBRARY_PATH LD_PRELOAD FAKEROOTKEY",
    "mail_owner": OWNER,
    "setgid_group": GROUP,
    "myhostname": "hop.riverside.example",
    "inet_interfaces": "127.0.0.1",
    "inet_protocols": "ipv4",
    "mynetworks": "127.0.0.0/8",
    "mydestination": "",
    "local_recipient_maps": "",
    "alias_maps": "",
    "alias_database": "",
    "smtpd_relay_restrictions": "permit_mynetworks, reject",
    "disable_dns_lookups": "yes",
    "smtp_host_lookup": "native",
    "message_size_limit": "0",
    "mailbox_size_limit": "0",
}
MASTER = """
127.0.0.1:{port} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
smtp unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
tlsmgr unix - - n 1000? 1 tlsmgr
postlog unix-dgram n - n - 1 postlogd
"""


class Postfix:
    """Takes mail from the loopback network and hands all of it to 127.0.0.1:`relay_to`.

    `settings` are main.cf's own and come last. Its folder is made `inside` another, or where temporary files lie.
    `services` are further lines of master.cf.
    """

    services = ""

    def __init__(self, relay_to: int, *, inside: Path | None = None, **settings: str) -> None:
        self.port = reserve(self)
        # Not in pytest's folder, which is closed to the users that the daemons become.
        self.folder = Path(tempfile.mkdtemp(prefix="postfix-", dir=inside))
        self.folder.chmod(0o755)
        self._settings = {**MAIN, **self._places(), "relayhost": f"[127.0.0.1]:{relay_to}", **settings}
        self.process: subprocess.Popen[bytes] | None = None
        self._root = Fakeroot()

    @property
    def pid(self) -> int:
        """The master's process."""
        assert self.process
        return self.process.pid

    def start(self, **settings: str) -> None:
        """Write the settings, make the queue, listen; `settings` are for this run alone."""
        self._write_main(settings)
        self._write("master.cf", MASTER.format(port=self.port) + self.services)
        self._make_queue()
        master = fetch.ROOT / "usr/lib/postfix/sbin/master"
        self.process = subprocess.Popen(
            [str(master), "-d", "-c", str(self.folder)],
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            start_new_session=True,  # at its end, master signals the whole process group that it leads
        )
        wait_until_listening(self.process, self.port)

    def stop(self) -> None:
        """Go down; what is in the queue stays there, for the next start."""
        if self.process:
            end(self.process)
            self.process = None
            # Its daemons end a moment later, and listen until then: the next start would take them for itself.
            wait_for(lambda: not listens(self.port), 30)

    def table(self, name: str, text: str) -> None:
        """Write a table into its folder, and what `postmap` makes of it."""
        self._write_main({})  # postmap asks it for its defaults
        self._write(name, text)
        command = [str(fetch.program("postmap")), "-c", str(self.folder), str(self.folder / name)]
        subprocess.run(command, env=self._environment(), check=True)

    def waiting(self) -> int:
        """How many mails are in the queue."""
        queues = (self.folder / "queue" / name for name in ("incoming", "active", "deferred"))
        return sum(file.is_file() for queue in queues for file in queue.rglob("*"))

    def close(self) -> None:
        """End it and remove its folder."""
        self.stop()
        self._root.close()
        shutil.rmtree(self.folder)

    def log(self) -> str:
        """What Postfix has logged."""
        file = self.folder / "maillog"
        return file.read_text() if file.exists() else ""

    def _places(self) -> dict[str, str]:
        return {
            "queue_directory": f"{self.folder}/queue",
            "data_directory": f"{self.folder}/data",
            "meta_directory": str(self.folder),
            "maillog_file": f"{self.folder}/maillog",
            "maillog_file_prefixes": str(self.folder),
            "daemon_directory": f"{fetch.ROOT}/usr/lib/postfix/sbin",
            "command_directory": f"{fetch.ROOT}/usr/sbin",
            "shlib_directory": f"{fetch.ROOT}/usr/lib/postfix",
        }

    def _environment(self) -> dict[str, str]:
        return fetch.environment() | self._root.environment

    def _write_main(self, more: dict[str, str]) -> None:
        self._write("main.cf", "".join(f"{key} = {value}\n" for key, value in {**self._settings, **more}.items()))

    def _write(self, name: str, text: str) -> None:
        file = self.folder / name
        file.write_text(text)
        os.utime(file, (0, 0))  # Postfix waits until a fresh file has been left alone for some seconds

    def _make_queue(self) -> None:
        queue = self.folder / "queue"
        owned = [str(queue / name) for name in QUEUES.split()]
        make = ["install", "--directory"]
        drop = [f"--owner={OWNER}", f"--group={GROUP}", "--mode=1730", f"{queue}/maildrop"]
        for what in ([str(queue), f"{queue}/pid"], [f"--owner={OWNER}", *owned, f"{self.folder}/data"], drop):
            subprocess.run([*make, *what], env=self._environment(), check=True)
