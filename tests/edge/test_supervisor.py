"""A parent and its children, as processes of their own; and a file that only one family may hold."""

import os
import signal
import subprocess
import sys
from textwrap import dedent

import pytest

from gateway.edge.run.supervisor import sole_use
from gateway.errors import ConfigError
from tests.peers.process import wait_for

pytestmark = pytest.mark.peer


def supervised(tmp_path, work, count=2, before=""):
    """A program whose children do `work`; it says "ready" and, at the end, its exit code."""
    program = f"""
        import os, signal, sys, time
        from pathlib import Path
        from gateway.edge.run import supervisor

        supervisor.BACK_OFF = (0.05,)
        {before}
        folder = Path({str(tmp_path)!r})

        def work(number, link):
            (folder / f"{{number}}.{{os.getpid()}}").touch()
            {work}
            return 0

        sys.exit(supervisor.Supervisor({count}, work, lambda: print("ready", flush=True)).run())
    """
    return subprocess.Popen([sys.executable, "-c", dedent(program)], stdout=subprocess.PIPE, stderr=subprocess.PIPE)


SERVES = "link.send(supervisor.READY); link.recv(1)"


def begun(tmp_path):
    return sorted(int(path.name.partition(".")[0]) for path in tmp_path.iterdir())


def pids(tmp_path, number):
    return [int(path.suffix[1:]) for path in tmp_path.glob(f"{number}.*")]


@pytest.fixture
def started(request, tmp_path):
    process = supervised(tmp_path, SERVES)
    with process:
        assert process.stdout.readline() == b"ready\n"
        yield process
        process.kill()


def test_it_is_ready_when_all_are(started, tmp_path):
    assert begun(tmp_path) == [0, 1]


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_with_all_of_them(started, tmp_path, how):
    started.send_signal(how)
    assert started.wait(10) == 0
    for pid in pids(tmp_path, "*"):
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_a_signal_that_comes_while_a_child_is_begun_ends_that_one_too(tmp_path):
    before = """
        pair, begun = supervisor.socket.socketpair, []

        def signalled(*kind):
            begun.append(1)
            if len(begun) == 4:  # our own, two children, and the one that comes in the place of one that died
                os.kill(os.getpid(), signal.SIGTERM)
            return pair(*kind)

        supervisor.socket.socketpair = signalled
    """
    with supervised(tmp_path, SERVES, before=dedent(before).strip().replace("\n", "\n" + " " * 8)) as process:
        assert process.stdout.readline() == b"ready\n"
        os.kill(pids(tmp_path, 1)[0], signal.SIGKILL)
        try:
            assert process.wait(10) == 0
        finally:
            process.kill()


def test_a_child_that_dies_is_replaced_again_and_again(started, tmp_path):
    for death in range(3):
        wait_for(lambda so_many=death + 1: len(pids(tmp_path, 1)) == so_many)
        [living] = [pid for pid in pids(tmp_path, 1) if (tmp_path / f"1.{pid}").exists() and is_running(pid)]
        os.kill(living, signal.SIGKILL)
    wait_for(lambda: len(pids(tmp_path, 1)) == 4)
    assert len(pids(tmp_path, 0)) == 1
    started.terminate()
    assert started.wait(10) == 0


def is_running(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_children_see_their_parent_die(started, tmp_path):
    started.kill()
    started.wait(10)
    assert wait_for(lambda: not any(map(is_running, pids(tmp_path, "*"))))


def test_a_child_sees_its_parent_die_though_a_sibling_hangs(started, tmp_path):
    [elder], [younger] = pids(tmp_path, 0), pids(tmp_path, 1)
    os.kill(younger, signal.SIGSTOP)
    try:
        started.kill()
        started.wait(10)
        assert wait_for(lambda: not is_running(elder))
    finally:
        os.kill(younger, signal.SIGKILL)


def test_a_start_that_fails_is_not_tried_again(tmp_path):
    fails_once_both_began = (
        'while number and not any(folder.glob("0.*")): time.sleep(0.01)\n            if number: return 3'
    )
    with supervised(tmp_path, f"{fails_once_both_began}\n            {SERVES}") as process:
        said, _ = process.communicate(timeout=10)
    assert process.returncode == 1
    assert said == b""
    assert begun(tmp_path) == [0, 1]


def test_a_child_that_ends_badly_shows_in_the_code(tmp_path):
    with supervised(
        tmp_path, "signal.signal(signal.SIGTERM, lambda *_: os._exit(7)); link.send(supervisor.READY); signal.pause()"
    ) as process:
        assert process.stdout.readline() == b"ready\n"
        process.terminate()
        assert process.wait(10) == 1


def test_what_one_holds_is_refused_to_another(tmp_path):
    file = tmp_path / "gateway.db.serving"
    with sole_use(file), pytest.raises(ConfigError, match="another gateway serves from here already"):
        sole_use(file, patience=0)
    sole_use(file, patience=0).close()


def test_it_is_held_until_the_last_child_has_ended(tmp_path):
    file = tmp_path / "gateway.db.serving"
    reading, writing = os.pipe()
    with sole_use(file):
        child = os.fork()
        if child == 0:
            os.close(writing)
            os.read(reading, 1)
            os._exit(0)
    with pytest.raises(ConfigError):
        sole_use(file, patience=0)
    os.close(writing)
    os.waitpid(child, 0)
    sole_use(file, patience=0).close()


def test_a_worker_that_fails_says_why(tmp_path):
    says = "import logging; from gateway.edge.run import logs; logs.log_to_stderr(logging.INFO)"
    work = f'{says}; raise RuntimeError("no luck")'
    with supervised(tmp_path, work, count=1) as process:
        assert process.wait(30) == 1
        assert "no luck" in process.stderr.read().decode()
