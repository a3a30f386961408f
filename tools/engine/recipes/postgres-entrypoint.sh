#!/bin/bash
# Starts PostgreSQL in a container; makes its cluster first where there is none. Keeps to the documented interface of the official image.
set -Eeuo pipefail
shopt -s nullglob

fail() {
    printf '%s\n' "$@" >&2
    exit 1
}

# Takes a setting from NAME or from the file that NAME_FILE names.
setting() {
    local name=$1 file="$1_FILE"
    if [[ -n ${!name:-} && -n ${!file:-} ]]; then
        fail "error: both $name and $file are set (but are exclusive)"
    fi
    if [[ -n ${!file:-} ]]; then
        printf -v "$name" '%s' "$(<"${!file}")"
    elif [[ -z ${!name:-} ]]; then
        printf -v "$name" '%s' "${2:-}"
    fi
    export "${name?}"
    unset "$file"
}

make_folders() {
    mkdir -p "$PGDATA" /var/run/postgresql
    chmod 00700 "$PGDATA" || :
    chmod 03775 /var/run/postgresql || :
    if [[ -n ${POSTGRES_INITDB_WALDIR:-} ]]; then
        mkdir -p "$POSTGRES_INITDB_WALDIR"
    fi
    if [[ $(id -u) == 0 ]]; then
        find "$PGDATA" /var/run/postgresql ${POSTGRES_INITDB_WALDIR:+"$POSTGRES_INITDB_WALDIR"} ! -user postgres -exec chown postgres '{}' +
    fi
}

check_settings() {
    if [[ -z $POSTGRES_PASSWORD && $POSTGRES_HOST_AUTH_METHOD != trust ]]; then
        fail 'Error: Database is uninitialized and superuser password is not specified.' \
            '       Set POSTGRES_PASSWORD to a non-empty value, or POSTGRES_HOST_AUTH_METHOD to trust.'
    fi
    if [[ -n ${OLD_VOLUME:-} ]] && grep -q " $OLD_VOLUME " /proc/self/mountinfo; then
        fail "Error: there is a volume at $OLD_VOLUME, which this version does not use." "       Mount it at ${PGDATA%/*/*} instead."
    fi
}

make_cluster() {
    local -a more=()
    # The setting is written as for a shell; the password is never part of such a line.
    eval "more=(${POSTGRES_INITDB_ARGS:-})"
    if [[ -n ${POSTGRES_INITDB_WALDIR:-} ]]; then
        more+=(--waldir "$POSTGRES_INITDB_WALDIR")
    fi
    initdb --username="$POSTGRES_USER" --pwfile=<(printf '%s\n' "$POSTGRES_PASSWORD") "${more[@]}"
    local method=$POSTGRES_HOST_AUTH_METHOD
    if [[ -z $method ]]; then
        method=$(postgres -C password_encryption "${@:2}")
    fi
    printf '\nhost all all all %s\n' "$method" >>"$PGDATA/pg_hba.conf"
}

run_sql() {
    psql -v ON_ERROR_STOP=1 --no-password --no-psqlrc --username "$POSTGRES_USER" "$@"
}

run_scripts() {
    local script
    for script in /docker-entrypoint-initdb.d/*; do
        printf '%s: running %s\n' "$0" "$script"
        case $script in
            *.sh)
                if [[ -x $script ]]; then
                    "$script"
                else
                    # shellcheck source=/dev/null
                    . "$script"
                fi
                ;;
            *.sql) run_sql --dbname "$POSTGRES_DB" --file "$script" ;;
            *.sql.gz) gunzip -c "$script" | run_sql --dbname "$POSTGRES_DB" ;;
            *) printf '%s: ignoring %s\n' "$0" "$script" ;;
        esac
        printf '\n'
    done
}

# Fills the new cluster on a server that nobody reaches over the network.
fill_cluster() {
    local options
    options=$(printf '%q ' "${@:2}" -c listen_addresses= -p 5432)
    pg_ctl -D "$PGDATA" -o "$options" -w start
    if [[ -z $(run_sql --dbname postgres --set db="$POSTGRES_DB" --tuples-only <<<"SELECT 1 FROM pg_database WHERE datname = :'db'") ]]; then
        run_sql --dbname postgres --set db="$POSTGRES_DB" <<<'CREATE DATABASE :"db"'
    fi
    run_scripts
    pg_ctl -D "$PGDATA" -m fast -w stop
}

if [[ ${1:-} == -* ]]; then
    set -- postgres "$@"
fi
asks_only=
for word in "$@"; do
    case $word in -'?' | --help | --describe-config | -V | --version) asks_only=yes ;; esac
done
if [[ ${1:-} != postgres || -n $asks_only ]]; then
    exec "$@"
fi
make_folders
setting POSTGRES_PASSWORD # while it is root that reads its file
if [[ $(id -u) == 0 ]]; then
    exec setpriv --reuid=postgres --regid=postgres --init-groups "$BASH_SOURCE" "$@"
fi
setting POSTGRES_USER postgres
setting POSTGRES_DB "$POSTGRES_USER"
setting POSTGRES_INITDB_ARGS
: "${POSTGRES_HOST_AUTH_METHOD:=}"
if [[ -s $PGDATA/PG_VERSION ]]; then
    printf '\nPostgreSQL Database directory appears to contain a database; Skipping initialization\n\n'
else
    check_settings
    make_cluster "$@"
    export PGPASSWORD=$POSTGRES_PASSWORD
    fill_cluster "$@"
    unset PGPASSWORD
    printf '\nPostgreSQL init process complete; ready for start up.\n\n'
fi
exec "$@"
