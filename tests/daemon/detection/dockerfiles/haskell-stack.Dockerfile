# haskell 9; planned by rw

# --- what builds
FROM haskell:9-slim AS build
WORKDIR /app

# install
COPY stack.yaml package.yaml ./
RUN --mount=type=cache,id=rw-stack,target=/root/.stack,sharing=locked stack --system-ghc --install-ghc build --only-dependencies

# build
COPY . ./
RUN --mount=type=cache,id=rw-stack,target=/root/.stack,sharing=locked --mount=type=secret,id=variables,target=/run/rw/variables if [ -f /run/rw/variables ]; then set -a; . /run/rw/variables; set +a; fi; stack --system-ghc --install-ghc build --copy-bins --local-bin-path out

# --- what runs
FROM debian:trixie-slim
RUN --mount=type=cache,id=rw-apt,target=/var/cache/apt,sharing=locked apt-get update -qq && apt-get install -y -qq --no-install-recommends ca-certificates libgmp10 && rm -rf /var/lib/apt/lists/* /var/log/apt /var/log/*.log /var/cache/ldconfig/aux-cache
ENV HOME=/tmp
ENV HOST=0.0.0.0 PORT=8080
EXPOSE 8080
WORKDIR /app
RUN chown 10001:10001 /app
COPY --from=build --chown=10001:10001 /app/out/shop-exe /app/out/shop-exe

USER 10001:10001
CMD ["/bin/sh", "-c", "exec ./out/shop-exe"]
