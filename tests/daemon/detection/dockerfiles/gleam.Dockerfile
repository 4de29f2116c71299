# gleam 1.18.1; planned by rw

# --- what builds
FROM ghcr.io/gleam-lang/gleam:v1.18.1-erlang-slim AS build
WORKDIR /app

# install
COPY gleam.toml manifest.toml ./
RUN --mount=type=cache,id=rw-gleam,target=/root/.cache/gleam,sharing=locked gleam deps download

# build
COPY . ./
RUN --mount=type=cache,id=rw-gleam,target=/root/.cache/gleam,sharing=locked --mount=type=secret,id=variables,target=/run/rw/variables if [ -f /run/rw/variables ]; then set -a; . /run/rw/variables; set +a; fi; gleam export erlang-shipment

# --- what runs
FROM ghcr.io/gleam-lang/gleam:v1.18.1-erlang-slim
ENV HOME=/tmp
ENV HOST=0.0.0.0 PORT=8080
EXPOSE 8080
WORKDIR /app
RUN chown 10001:10001 /app
COPY --from=build --chown=10001:10001 /app/build/erlang-shipment /app/build/erlang-shipment

USER 10001:10001
CMD ["/bin/sh", "-c", "exec ./build/erlang-shipment/entrypoint.sh run"]
