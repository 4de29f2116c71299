#!/bin/sh
# A worker without a port: counts until it is told to stop.
trap 'echo bye; exit 0' TERM
n=0
while :; do n=$((n + 1)); echo "tick $n"; sleep 1 & wait $!; done
