"""What is run in containers, by /bin/sh: whichever image it is, it has that and the usual small programs."""

from __future__ import annotations

SCRATCH = "pgstack-upgrade"
"""Folder at the top of the data volume where the new cluster is made."""

COMPLETE = "complete"
"""File in it: the new cluster is complete, and from now on it replaces the old one."""

UNFINISHED = "pgstack-unfinished"
"""File at the top of a volume that is being copied to."""

DUMP = r"""
umask 077
trap 'rm -f "$1.partial"' EXIT
pg_dumpall -U postgres > "$1.partial"
if ! tail -n 20 "$1.partial" | grep -q '^-- PostgreSQL database cluster dump complete'; then
    echo "the dump has no end" >&2
    exit 1
fi
sync
mv "$1.partial" "$1"
sync
wc -c < "$1"
"""
"""$1: the file."""

RESTORE = r"""
mkfifo /tmp/restore
# The one statement that cannot succeed: the role that every cluster begins with. All roles come before all data.
LC_ALL=C sed -e '/^CREATE ROLE postgres;$/{x;s/^/x/;/^x$/{x;d' -e '};x' -e '}' "$1" > /tmp/restore &
reader=$!
psql -Xq -v ON_ERROR_STOP=1 -U postgres -d postgres -o /dev/null -f /tmp/restore
wait "$reader"
"""
"""$1: the dump. Ends at the first error."""

ANALYZE = "vacuumdb -U postgres --all --analyze-in-stages --quiet"

COPY = rf"""
cd /from
: > /to/{UNFINISHED}
find /to -mindepth 1 -maxdepth 1 ! -name {UNFINISHED} -exec rm -rf {{}} +
cp -a . /to/
# What is there, with its sizes: of files only, since a folder's size is its file system's matter.
listed() {{ find . ! -type f ! -type d | sort; find . -type f ! -path ./{UNFINISHED} -exec stat -c '%s %n' {{}} + | sort -k 2; }}
listed > /tmp/listed-from
cd /to
listed > /tmp/listed-to
if ! cmp /tmp/listed-from /tmp/listed-to >&2; then
    echo "the copy is not like the original" >&2
    exit 1
fi
sync
rm /to/{UNFINISHED}
sync
grep -c '^[0-9]' /tmp/listed-from
awk '/^[0-9]/ {{ bytes += $1 }} END {{ printf "%.0f\n", bytes }}' /tmp/listed-from
"""
"""Prints the number of files, and their bytes."""

PREPARE = rf"""
cd /data
rm -rf {SCRATCH}
mkdir {SCRATCH}
chmod 0755 {SCRATCH}
stat -c %a . > {SCRATCH}/mode
# Another image's account may have another number, and has to pass through here.
chmod o+x .
"""

ABANDON = rf"""
cd /data
if [ -e {SCRATCH}/mode ]; then
    chmod "$(cat {SCRATCH}/mode)" .
fi
rm -rf {SCRATCH}
"""

IS_UNFINISHED = rf"""
if [ -e /kept/{UNFINISHED} ]; then echo yes; fi
"""

REMOVE_PARTIAL = r"""
rm -f /backups/upgrade-"$1"-*.partial
"""
"""$1: the stack."""

READ_STATE = rf"""
cat /data/{SCRATCH}/{COMPLETE} 2>/dev/null || true
"""

MARK_COMPLETE = rf"""
printf %s "$1" > /data/{SCRATCH}/{COMPLETE}.new
sync
mv /data/{SCRATCH}/{COMPLETE}.new /data/{SCRATCH}/{COMPLETE}
sync
"""

REPLACE = rf"""
cd /data
old=$1
new=$2
made={SCRATCH}/data
# The old version's number goes last, so that whatever happens meanwhile the volume is never taken for an empty one.
if [ ! -e {SCRATCH}/cleared ]; then
    find "$old" -mindepth 1 -maxdepth 1 ! -name PG_VERSION ! -name {SCRATCH} -exec rm -rf {{}} +
    : > {SCRATCH}/cleared
    sync
fi
if [ "$new" = . ]; then
    if [ -e "$made/PG_VERSION" ]; then
        for entry in "$made"/* "$made"/.[!.]*; do
            if [ -e "$entry" ] && [ "${{entry##*/}}" != PG_VERSION ]; then
                mv "$entry" .
            fi
        done
        mv -f "$made/PG_VERSION" PG_VERSION
    fi
    chmod 0700 .
else
    if [ -e "$made" ]; then
        mkdir -p "${{new%/*}}"
        mv "$made" "$new"
        sync
    fi
    if [ "$old" = . ]; then
        rm -f PG_VERSION
    else
        rm -rf "${{old%/*}}"
    fi
    chmod 0755 .
fi
sync
rm -rf {SCRATCH}
sync
"""
"""$1, $2: where the old and the new cluster are, seen from the volume's top. May be cut off anywhere, and is then run again."""

READY = r"""
[ "$(head -n 1 "$PGDATA/postmaster.pid" 2>/dev/null)" = 1 ] && pg_isready -q -U postgres
"""
"""Whether the server that is to stay answers: while the image makes a cluster, another one does, which is not the first process."""

UNFLAG = r"""
rm -f /control/initialising /control/flags/initialising
"""
"""The start script takes the flag for a first start that was cut off, and would begin anew."""
