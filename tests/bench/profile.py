"""Where the gateway's time goes while it takes in secure mail: py-spy watches it."""

import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.bench.contenders import GatewayContender, room, running
from tests.bench.load import Load, calibrated
from tests.bench.mail_rows import settle


def record(folder: Path, seconds: float) -> str:
    """Profile accepting and then sending what was queued; a line that says where the flame graph lies."""
    beside = Path(sys.executable).with_name("py-spy")
    spy = str(beside) if beside.exists() else shutil.which("py-spy")
    if spy is None:
        return "py-spy is not here; type: .venv/bin/pip install py-spy"
    gateway = GatewayContender(room(folder, "profile"))
    graph = tempfile.mkstemp(prefix="profile-", suffix=".svg")[1]
    with running(gateway):

        def run(mails: int) -> float:
            took = Load(4096).send(mails, gateway.port)
            settle(gateway)
            return took

        mails = calibrated(run, 400, seconds)
        command = [spy, "record", "--pid", str(gateway.pid), "--subprocesses", "--output", graph, "--duration", "3600"]
        watching = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        try:
            time.sleep(1)  # until it watches
            took = run(mails)
        finally:
            watching.send_signal(signal.SIGINT)  # it writes its graph then
            watching.wait()
    return f"{graph}: {mails} mails, {mails / took:.0f}/s while being watched"
