import os
import signal
import sys
from collections.abc import Iterator

import pytest

from rtvc import signals
from rtvc.signals import end_on, uninterrupted

if sys.platform == "win32":
    pytest.skip("no process sends itself signals there", allow_module_level=True)


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, signal.SIG_DFL) for number in numbers}
    end_on("SIGINT", "SIGTERM", "SIGHUP", "SIGNONE")
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize(
    ("number", "expected"),
    [(signal.SIGTERM, SystemExit), (signal.SIGHUP, SystemExit), (signal.SIGINT, KeyboardInterrupt)],
)
def test_a_signal_waits_until_c_has_returned(number: signal.Signals, expected: type[BaseException]) -> None:
    went_on: list[bool] = []

    def called_back() -> None:
        with uninterrupted(), uninterrupted():
            os.kill(os.getpid(), number)
            went_on.append(sum(range(1000)) > 0)

    with pytest.raises(expected) as ended:
        called_back()
    assert went_on == [True]
    assert expected is KeyboardInterrupt or ended.value.args == (128 + number,)
    with uninterrupted():
        pass  # it acts once


def test_elsewhere_it_acts_at_once() -> None:
    with pytest.raises(SystemExit):
        os.kill(os.getpid(), signal.SIGTERM)


def test_what_somebody_ignores_stays_ignored() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signals.end_on("SIGHUP")
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
