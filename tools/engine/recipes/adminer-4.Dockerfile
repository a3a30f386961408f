ARG BASE
FROM ${BASE}
COPY adminer.php /var/www/html/index.php
WORKDIR /var/www/html
USER adminer
EXPOSE 8080
# Sessions are kept where the official image keeps them: a container whose file system is read-only has no other folder to write to.
CMD ["php", "-d", "session.save_path=/tmp", "-S", "[::]:8080", "-t", "/var/www/html"]
