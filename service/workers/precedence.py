"""Live sessions before uploads: a camera's caller waits for every step, that of a recording for the last one alone."""

import os
from typing import Final

LEAST: Final = 19
"""The nice value of those that take what others leave."""


def stand_back() -> None:
    """Let the calling thread, and those that it starts from now on, run on processors that nobody else wants.

    They never stand still: the kernel leaves them about a hundredth. There is no way back without a privilege, so call
    it in a thread of its own.
    """
    # On Linux a nice value is a thread's own, in spite of the name; 0 is the calling one: setpriority(2).
    os.setpriority(os.PRIO_PROCESS, 0, LEAST)
