# php 8.3, Symfony; planned by rw

# --- what builds
FROM dunglas/frankenphp:1-php8.3 AS build
RUN --mount=type=cache,id=rw-apt,target=/var/cache/apt,sharing=locked apt-get update -qq && apt-get install -y -qq --no-install-recommends git libicu-dev libpq-dev unzip && rm -rf /var/lib/apt/lists/*
COPY --from=composer:2 /usr/bin/composer /usr/bin/composer
ENV APP_DEBUG=0 \
    APP_ENV=prod \
    COMPOSER_ALLOW_SUPERUSER=1 \
    XDG_CONFIG_HOME=/tmp \
    XDG_DATA_HOME=/tmp
WORKDIR /app
RUN printf '%s\n' '<?php' '' 'return ['"'"'APP_ENV'"'"' => '"'"'prod'"'"'];' > .env.local.php

# extensions
RUN php -r 'exit(extension_loaded("intl") ? 0 : 1);' || (docker-php-ext-install -j2 intl)
RUN php -r 'exit(extension_loaded("Zend OPcache") ? 0 : 1);' || (docker-php-ext-install -j2 opcache)
RUN php -r 'exit(extension_loaded("pdo_mysql") ? 0 : 1);' || (docker-php-ext-install -j2 pdo_mysql)
RUN php -r 'exit(extension_loaded("pdo_pgsql") ? 0 : 1);' || (docker-php-ext-install -j2 pdo_pgsql)

# install
COPY composer.json composer.lock ./
RUN --mount=type=cache,id=rw-composer,target=/root/.composer/cache,sharing=locked --mount=type=secret,id=variables,target=/run/rw/variables if [ -f /run/rw/variables ]; then set -a; . /run/rw/variables; set +a; fi; composer install --no-dev --no-interaction --no-progress --prefer-dist --no-scripts --no-autoloader

# build
COPY . ./
RUN --mount=type=cache,id=rw-composer,target=/root/.composer/cache,sharing=locked --mount=type=secret,id=variables,target=/run/rw/variables if [ -f /run/rw/variables ]; then set -a; . /run/rw/variables; set +a; fi; composer dump-autoload --no-dev --optimize --no-interaction
RUN --mount=type=cache,id=rw-composer,target=/root/.composer/cache,sharing=locked --mount=type=secret,id=variables,target=/run/rw/variables if [ -f /run/rw/variables ]; then set -a; . /run/rw/variables; set +a; fi; php bin/console cache:clear
RUN --mount=type=cache,id=rw-composer,target=/root/.composer/cache,sharing=locked --mount=type=secret,id=variables,target=/run/rw/variables if [ -f /run/rw/variables ]; then set -a; . /run/rw/variables; set +a; fi; php bin/console assets:install public

# --- what runs
FROM dunglas/frankenphp:1-php8.3
RUN --mount=type=cache,id=rw-apt,target=/var/cache/apt,sharing=locked apt-get update -qq && apt-get install -y -qq --no-install-recommends icu-devtools libpq5 && rm -rf /var/lib/apt/lists/* /var/log/apt /var/log/*.log /var/cache/ldconfig/aux-cache
ENV APP_DEBUG=0 \
    APP_ENV=prod \
    COMPOSER_ALLOW_SUPERUSER=1 \
    XDG_CONFIG_HOME=/tmp \
    XDG_DATA_HOME=/tmp
ENV HOME=/tmp
ENV HOST=0.0.0.0 PORT=8080
EXPOSE 8080
WORKDIR /app
RUN chown 10001:10001 /app
COPY --from=build --chown=10001:10001 /app /app
COPY --from=build --chown=10001:10001 /usr/local/lib/php/extensions /usr/local/lib/php/extensions
COPY --from=build --chown=10001:10001 /usr/local/etc/php/conf.d /usr/local/etc/php/conf.d

USER 10001:10001
# before each release: php bin/console doctrine:migrations:migrate --no-interaction --allow-no-migration
CMD ["/bin/sh", "-c", "exec frankenphp php-server --listen $HOST:$PORT --root public"]
