# elixir 1.18; planned by rw

# --- what builds
FROM elixir:1.18-slim AS build
ENV ELIXIR_ERL_OPTIONS="+fnu" \
    LANG=C.UTF-8 \
    MIX_ENV=prod \
    RELEASE_DISTRIBUTION=none
WORKDIR /app

# build
COPY . ./
RUN --mount=type=secret,id=variables,target=/run/rw/variables if [ -f /run/rw/variables ]; then set -a; . /run/rw/variables; set +a; fi; mix compile
RUN --mount=type=secret,id=variables,target=/run/rw/variables if [ -f /run/rw/variables ]; then set -a; . /run/rw/variables; set +a; fi; mix release --overwrite --path release

# --- what runs
FROM debian:trixie-slim
RUN --mount=type=cache,id=rw-apt,target=/var/cache/apt,sharing=locked apt-get update -qq && apt-get install -y -qq --no-install-recommends ca-certificates libncurses6 libstdc++6 openssl && rm -rf /var/lib/apt/lists/* /var/log/apt /var/log/*.log /var/cache/ldconfig/aux-cache
ENV ELIXIR_ERL_OPTIONS="+fnu" \
    LANG=C.UTF-8 \
    MIX_ENV=prod \
    RELEASE_DISTRIBUTION=none
ENV HOME=/tmp
ENV HOST=0.0.0.0 PORT=8080
EXPOSE 8080
WORKDIR /app
RUN chown 10001:10001 /app
COPY --from=build --chown=10001:10001 /app/release /app/release

USER 10001:10001
CMD ["/bin/sh", "-c", "exec release/bin/shop start"]
