# Starts a PostgreSQL image. An initialisation that was cut off leaves a cluster that looks whole, and may lack its password or the
# rule that lets anybody in: the flag tells, and then it is begun anew. The health check takes the flag away as soon as the server
# answers over TCP, which it does only after its initialisation.
set -eu
flag=/run/pgstack/flags/initialising
if [ -e "$flag" ] && [ -d "$PGDATA" ]; then
    echo "pgstack: the initialisation of $PGDATA was cut off; it is begun anew" >&2
    find "$PGDATA" -mindepth 1 -delete
fi
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    : > "$flag"
fi
exec docker-entrypoint.sh "$@"
