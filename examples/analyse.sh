#!/bin/sh
# Analyse one recording with curl: the result as JSON on standard output.
#
#     ATTUNE_URL=http://127.0.0.1:8000 ATTUNE_API_KEY=... examples/analyse.sh talk.mp4
#
# Exit code 22 where the service refuses; what it says of it (RFC 9457) is on standard output then.
set -eu

# curl tries again where it is told to come later. A file of its own keeps what it was told out of the result.
answer=$(mktemp)
trap 'rm -f "$answer"' EXIT
trap 'exit 1' HUP INT TERM

status=0
# The key goes in by standard input: options of a running program can be read by everybody on the machine.
curl --config - --silent --show-error --fail-with-body \
  --retry 5 --output "$answer" \
  --form "file=@$1" \
  "${ATTUNE_URL:-http://127.0.0.1:8000}/v1/analyses?timeline_fps=5" <<CONFIG || status=$?
header = "Authorization: Bearer ${ATTUNE_API_KEY:-none}"
CONFIG
cat "$answer"
exit "$status"
