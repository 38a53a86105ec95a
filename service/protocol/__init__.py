"""`attune.v1`: what client and server say over a WebSocket. Shared by `service.api` and `service.client`."""
