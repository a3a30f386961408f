#!/bin/sh
# The application: every ten seconds it writes a row and reads what is there, all by what libpq finds in the environment.
trap 'exit 0' TERM INT
while :; do
    psql --no-psqlrc --no-password --quiet --no-align --tuples-only --set ON_ERROR_STOP=1 --single-transaction <<'SQL' ||
DELETE FROM interactions WHERE metadata @> '{"source": "app-deploy"}' AND created_at < now() - interval '1 hour';
INSERT INTO interactions (kind, metadata) VALUES ('system', '{"source": "app-deploy"}');
SELECT format('%s: %s heartbeats of the last hour, the latest at %s', current_user, count(*), max(created_at))
FROM interactions WHERE metadata @> '{"source": "app-deploy"}';
SQL
        echo "no heartbeat; the next try is in ten seconds" >&2
    sleep 10 &
    wait $!
done
