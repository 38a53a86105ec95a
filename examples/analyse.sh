#!/bin/sh
# Analyse one recording with curl: the result as JSON on standard output.
#
#     ATTUNE_URL=http://127.0.0.1:8000 ATTUNE_API_KEY=... examples/analyse.sh talk.mp4
#
# Exit code 22 where the service refuses; what it says of it (RFC 9457) is on standard output then.
set -eu

# The key goes in by standard input: options of a running program can be read by everybody on the machine.
curl --config - --silent --show-error --fail-with-body \
  --retry 5 \
  --form "file=@$1" \
  "${ATTUNE_URL:-http://127.0.0.1:8000}/v1/analyses?timeline_fps=5" <<CONFIG
header = "Authorization: Bearer ${ATTUNE_API_KEY:-none}"
CONFIG
