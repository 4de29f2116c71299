# crystal 1.14.1; planned by rw

# --- what builds
FROM crystallang/crystal:1.14.1 AS build
WORKDIR /app

# install
COPY shard.yml shard.lock ./
RUN --mount=type=cache,id=rw-crystal-shards,target=/root/.cache/shards,sharing=locked shards install --production --frozen

# build
COPY . ./
RUN --mount=type=cache,id=rw-crystal-shards,target=/root/.cache/shards,sharing=locked --mount=type=cache,id=rw-crystal,target=/root/.cache/crystal,sharing=locked --mount=type=secret,id=variables,target=/run/rw/variables if [ -f /run/rw/variables ]; then set -a; . /run/rw/variables; set +a; fi; shards build --production --frozen --release shop

# --- what runs
FROM debian:trixie-slim
RUN --mount=type=cache,id=rw-apt,target=/var/cache/apt,sharing=locked apt-get update -qq && apt-get install -y -qq --no-install-recommends ca-certificates libevent-2.1-7t64 libgc1 libgmp10 libpcre2-8-0 libssl3t64 libxml2 libyaml-0-2 zlib1g && rm -rf /var/lib/apt/lists/* /var/log/apt /var/log/*.log /var/cache/ldconfig/aux-cache
ENV HOME=/tmp
ENV HOST=0.0.0.0 PORT=8080
EXPOSE 8080
WORKDIR /app
RUN chown 10001:10001 /app
COPY --from=build --chown=10001:10001 /app/bin/shop /app/bin/shop

USER 10001:10001
CMD ["/bin/sh", "-c", "exec ./bin/shop"]
