"""Threads of uploads use what others leave; other threads of the process are as they were."""

import os
import threading

from service.workers.precedence import LEAST, stand_back


def _priority() -> int:
    return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())


def test_a_thread_that_stands_back_does_so_with_all_that_it_starts_and_leaves_others_as_they_are() -> None:
    before, found = _priority(), []

    def upload() -> None:
        stand_back()
        child = threading.Thread(target=lambda: found.append(_priority()))
        child.start()
        child.join()
        found.append(_priority())

    thread = threading.Thread(target=upload)
    thread.start()
    thread.join()
    assert found == [LEAST, LEAST]
    assert _priority() == before < LEAST
