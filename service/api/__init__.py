"""HTTP: translates, limits and reports; computes nothing."""

from service.api.app import create_app
from service.api.server import OpenToAll, serve

__all__ = ["OpenToAll", "create_app", "serve"]
