# php 8.4; planned by rw

# --- what runs
FROM php:8.4-cli
ENV PHP_CLI_SERVER_WORKERS=4
ENV HOME=/tmp
ENV HOST=0.0.0.0 PORT=8080
EXPOSE 8080
WORKDIR /app
RUN chown 10001:10001 /app
COPY --chown=10001:10001 . ./

USER 10001:10001
CMD ["/bin/sh", "-c", "exec php -S $HOST:$PORT -t ."]
