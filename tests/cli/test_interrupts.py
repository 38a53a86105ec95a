"""Ctrl-C is never lost."""

import os
import signal
from contextlib import suppress

import pytest

from service.cli.interrupts import Interrupts


def test_an_interrupt_that_was_swallowed_is_raised_by_the_next_check() -> None:
    with Interrupts() as interrupts:
        interrupts.check()
        with suppress(KeyboardInterrupt):  # as a callback of native code does
            os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            interrupts.check()


def test_the_handler_from_before_comes_back() -> None:
    before = signal.getsignal(signal.SIGINT)
    with Interrupts():
        assert signal.getsignal(signal.SIGINT) != before
    assert signal.getsignal(signal.SIGINT) == before
