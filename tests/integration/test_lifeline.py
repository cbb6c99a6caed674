import subprocess
import sys

from tests.support.processes import is_alive, wait_until

CHILD = "from polychat import lifeline; import threading; lifeline.hold(); threading.Event().wait()"
PARENT = f"""
import subprocess, sys, threading
child = subprocess.Popen([sys.executable, "-c", {CHILD!r}], stdin=subprocess.PIPE)
print(child.pid, flush=True)
threading.Event().wait()
"""


def test_a_child_ends_when_its_parent_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child_pid = int(parent.stdout.readline())
        assert is_alive(child_pid)
        parent.kill()
        wait_until(lambda: not is_alive(child_pid), what="the child to end")
