# rust 1; planned by rw

# --- what builds
FROM rust:1-slim AS build
WORKDIR /app

# install
COPY Cargo.toml Cargo.lock ./
COPY binary/Cargo.toml ./binary/
COPY crates/library/Cargo.toml ./crates/library/
RUN --mount=type=cache,id=rw-cargo-registry,target=/usr/local/cargo/registry,sharing=locked --mount=type=cache,id=rw-cargo-git,target=/usr/local/cargo/git,sharing=locked --mount=type=cache,id=rw-cargo-target,target=/root/.cache/cargo-target,sharing=locked mkdir -p binary/src crates/library/src && touch crates/library/src/lib.rs && echo 'fn main() {}' | tee binary/src/main.rs > /dev/null
RUN --mount=type=cache,id=rw-cargo-registry,target=/usr/local/cargo/registry,sharing=locked --mount=type=cache,id=rw-cargo-git,target=/usr/local/cargo/git,sharing=locked --mount=type=cache,id=rw-cargo-target,target=/root/.cache/cargo-target,sharing=locked export CARGO_TARGET_DIR="${RW_CARGO_TARGET:-/root/.cache/cargo-target}" && cargo build --release --locked --package binary

# build
COPY . ./
RUN --mount=type=cache,id=rw-cargo-registry,target=/usr/local/cargo/registry,sharing=locked --mount=type=cache,id=rw-cargo-git,target=/usr/local/cargo/git,sharing=locked --mount=type=cache,id=rw-cargo-target,target=/root/.cache/cargo-target,sharing=locked --mount=type=secret,id=variables,target=/run/rw/variables if [ -f /run/rw/variables ]; then set -a; . /run/rw/variables; set +a; fi; export CARGO_TARGET_DIR="${RW_CARGO_TARGET:-/root/.cache/cargo-target}" && cargo clean --release --package binary --package library && cargo build --release --locked --package binary && mkdir -p target/release && cp "$CARGO_TARGET_DIR"/release/binary target/release/

# --- what runs
FROM debian:trixie-slim
RUN --mount=type=cache,id=rw-apt,target=/var/cache/apt,sharing=locked apt-get update -qq && apt-get install -y -qq --no-install-recommends ca-certificates && rm -rf /var/lib/apt/lists/* /var/log/apt /var/log/*.log /var/cache/ldconfig/aux-cache
ENV HOME=/tmp
ENV HOST=0.0.0.0 PORT=8080
EXPOSE 8080
WORKDIR /app
RUN chown 10001:10001 /app
COPY --from=build --chown=10001:10001 /app/target/release/binary /app/target/release/binary

USER 10001:10001
CMD ["/bin/sh", "-c", "exec ./target/release/binary"]
