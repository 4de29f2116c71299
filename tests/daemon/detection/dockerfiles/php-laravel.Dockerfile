# php 8.4, Laravel; planned by rw

# --- what builds
FROM dunglas/frankenphp:1-php8.4 AS build
RUN --mount=type=cache,id=rw-apt,target=/var/cache/apt,sharing=locked apt-get update -qq && apt-get install -y -qq --no-install-recommends git libicu-dev libpq-dev libzip-dev unzip && rm -rf /var/lib/apt/lists/*
COPY --from=composer:2 /usr/bin/composer /usr/bin/composer
COPY --from=node:22-slim /usr/local/ /usr/local/
ENV APP_ENV=production \
    COMPOSER_ALLOW_SUPERUSER=1 \
    LOG_CHANNEL=stderr \
    XDG_CONFIG_HOME=/tmp \
    XDG_DATA_HOME=/tmp
WORKDIR /app

# extensions
RUN php -r 'exit(extension_loaded("bcmath") ? 0 : 1);' || (docker-php-ext-install -j2 bcmath)
RUN php -r 'exit(extension_loaded("intl") ? 0 : 1);' || (docker-php-ext-install -j2 intl)
RUN php -r 'exit(extension_loaded("Zend OPcache") ? 0 : 1);' || (docker-php-ext-install -j2 opcache)
RUN php -r 'exit(extension_loaded("pcntl") ? 0 : 1);' || (docker-php-ext-install -j2 pcntl)
RUN php -r 'exit(extension_loaded("pdo_mysql") ? 0 : 1);' || (docker-php-ext-install -j2 pdo_mysql)
RUN php -r 'exit(extension_loaded("pdo_pgsql") ? 0 : 1);' || (docker-php-ext-install -j2 pdo_pgsql)
RUN php -r 'exit(extension_loaded("zip") ? 0 : 1);' || (docker-php-ext-install -j2 zip)

# install
COPY composer.json composer.lock ./
RUN --mount=type=cache,id=rw-composer,target=/root/.composer/cache,sharing=locked --mount=type=secret,id=variables,target=/run/rw/variables if [ -f /run/rw/variables ]; then set -a; . /run/rw/variables; set +a; fi; composer install --no-dev --no-interaction --no-progress --prefer-dist --no-scripts --no-autoloader

# node
COPY package.json package-lock.json ./
RUN --mount=type=cache,id=rw-npm,target=/root/.npm,sharing=locked --mount=type=secret,id=variables,target=/run/rw/variables if [ -f /run/rw/variables ]; then set -a; . /run/rw/variables; set +a; fi; npm ci --include=dev --no-audit --no-fund

# build
COPY . ./
RUN --mount=type=cache,id=rw-composer,target=/root/.composer/cache,sharing=locked --mount=type=cache,id=rw-npm,target=/root/.npm,sharing=locked --mount=type=secret,id=variables,target=/run/rw/variables if [ -f /run/rw/variables ]; then set -a; . /run/rw/variables; set +a; fi; composer dump-autoload --no-dev --optimize --no-interaction
RUN --mount=type=cache,id=rw-composer,target=/root/.composer/cache,sharing=locked --mount=type=cache,id=rw-npm,target=/root/.npm,sharing=locked --mount=type=secret,id=variables,target=/run/rw/variables if [ -f /run/rw/variables ]; then set -a; . /run/rw/variables; set +a; fi; npm run build
RUN --mount=type=cache,id=rw-composer,target=/root/.composer/cache,sharing=locked --mount=type=cache,id=rw-npm,target=/root/.npm,sharing=locked --mount=type=secret,id=variables,target=/run/rw/variables if [ -f /run/rw/variables ]; then set -a; . /run/rw/variables; set +a; fi; rm -rf node_modules .node-programs
RUN --mount=type=cache,id=rw-composer,target=/root/.composer/cache,sharing=locked --mount=type=cache,id=rw-npm,target=/root/.npm,sharing=locked --mount=type=secret,id=variables,target=/run/rw/variables if [ -f /run/rw/variables ]; then set -a; . /run/rw/variables; set +a; fi; php artisan storage:link
RUN --mount=type=cache,id=rw-composer,target=/root/.composer/cache,sharing=locked --mount=type=cache,id=rw-npm,target=/root/.npm,sharing=locked --mount=type=secret,id=variables,target=/run/rw/variables if [ -f /run/rw/variables ]; then set -a; . /run/rw/variables; set +a; fi; php artisan view:cache

# --- what runs
FROM dunglas/frankenphp:1-php8.4
RUN --mount=type=cache,id=rw-apt,target=/var/cache/apt,sharing=locked apt-get update -qq && apt-get install -y -qq --no-install-recommends icu-devtools libpq5 ziptool && rm -rf /var/lib/apt/lists/* /var/log/apt /var/log/*.log /var/cache/ldconfig/aux-cache
ENV APP_ENV=production \
    COMPOSER_ALLOW_SUPERUSER=1 \
    LOG_CHANNEL=stderr \
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
# before each release: php artisan migrate --force
CMD ["/bin/sh", "-c", "exec frankenphp php-server --listen $HOST:$PORT --root public"]
