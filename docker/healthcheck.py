"""Exit 0 where the service in this container is ready, else 1 after saying why.

Without a library for HTTP that would look for a proxy in the environment.
"""

import http.client
import os
import sys

TIMEOUT = 4.0
"""Seconds; less than the HEALTHCHECK gives."""


def main(port: int) -> int:
    """Ask for /health/ready on `port` of this machine."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT)
    try:
        connection.request("GET", "/health/ready")
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        sys.stderr.write(f"no answer on port {port}: {error}\n")
        return 1
    finally:
        connection.close()
    sys.stderr.write(f"/health/ready answers {status}\n")
    return 0 if status == http.client.OK else 1


if __name__ == "__main__":
    sys.exit(main(int(os.environ["ATTUNE_PORT"])))
