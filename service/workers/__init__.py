"""Decoding processes: untrusted bytes meet a decoder only here, never in the process that serves HTTP.

The service starts each process with one control socket. For every upload and live session it makes a socket pair and
sends one end over the control socket. Frames of `feed` go one way, frames of `codec` come back the other way;
back-pressure is the kernel's, and giving a session up is closing the socket.
"""

from service.workers.codec import Notice, Report
from service.workers.durable import DurableSession
from service.workers.options import SessionOptions
from service.workers.pool import WorkerPool
from service.workers.process import WorkerSettings

__all__ = ["DurableSession", "Notice", "Report", "SessionOptions", "WorkerPool", "WorkerSettings"]
