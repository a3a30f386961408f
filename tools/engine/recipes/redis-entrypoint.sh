#!/bin/sh
# Starts Redis in a container, as a user who is not root.
set -eu
case "${1:-}" in
    -* | *.conf) set -- redis-server "$@" ;;
esac
# As in the official image, clients of other containers are let in without a password.
case " $* " in
    *" --protected-mode "*) ;;
    " redis-server "*) set -- "$@" --protected-mode no ;;
esac
if [ "${1:-}" = redis-server ] && [ "$(id -u)" = 0 ]; then
    find . ! -user redis -exec chown redis '{}' +
    exec setpriv --reuid=redis --regid=redis --init-groups "$0" "$@"
fi
exec "$@"
