"""Decoding processes: untrusted bytes meet a decoder only here, never in the process that serves HTTP.

The service starts each process with one control socket. For every upload it makes a socket pair and sends one end over
the control socket. Bytes of media go one way (half-closing says that the media ends), frames of `codec` come back the
other way; back-pressure is the kernel's, and giving an upload up is closing the socket.
"""

from service.workers.options import SessionOptions
from service.workers.pool import WorkerPool
from service.workers.session import WorkerSession

__all__ = ["SessionOptions", "WorkerPool", "WorkerSession"]
