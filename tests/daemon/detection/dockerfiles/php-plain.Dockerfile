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
RUN printf '%s\n' '<?php' '' '$path = rawurldecode(strtok($_SERVER['"'"'REQUEST_URI'"'"'], '"'"'?'"'"'));' 'if (preg_match('"'"'#/\.(?!well-known/)|^/(Procfile|railway\.(toml|json)|composer\.(json|lock))$#'"'"', $path)) {' '    http_response_code(404);' '    return true;' '}' '' 'return false;' > .rw-router.php

USER 10001:10001
CMD ["/bin/sh", "-c", "exec php -S $HOST:$PORT -t . .rw-router.php"]
