"""What systemd tells a service: whom to notify. Taken out of the environment, so that children do not."""

import os

from polychat.notify import Notifier


def notifier() -> Notifier:
    """Whom this process notifies; nobody when systemd has not started it."""
    address = os.environ.pop("NOTIFY_SOCKET", "")
    watchdog_us = os.environ.pop("WATCHDOG_USEC", "0")
    for_pid = os.environ.pop("WATCHDOG_PID", "") or str(os.getpid())
    is_ours = for_pid == str(os.getpid()) and watchdog_us.isdigit()
    return Notifier(address, int(watchdog_us) / 1e6 if is_ours else 0.0)
