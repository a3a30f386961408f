ARG BASE
FROM ${BASE}
COPY adminer.php /var/www/html/index.php
WORKDIR /var/www/html
USER adminer
EXPOSE 8080
CMD ["php", "-S", "[::]:8080", "-t", "/var/www/html"]
