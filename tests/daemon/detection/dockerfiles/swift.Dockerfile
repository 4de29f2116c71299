# swift 6.2; planned by rw

# --- what builds
FROM swift:6.2 AS build
WORKDIR /app

# install
COPY Package.swift ./
RUN --mount=type=cache,id=rw-swiftpm,target=/root/.cache/org.swift.swiftpm,sharing=locked swift package resolve

# build
COPY . ./
RUN --mount=type=cache,id=rw-swiftpm,target=/root/.cache/org.swift.swiftpm,sharing=locked --mount=type=secret,id=variables,target=/run/rw/variables if [ -f /run/rw/variables ]; then set -a; . /run/rw/variables; set +a; fi; swift build -c release --static-swift-stdlib --product shop
RUN --mount=type=cache,id=rw-swiftpm,target=/root/.cache/org.swift.swiftpm,sharing=locked --mount=type=secret,id=variables,target=/run/rw/variables if [ -f /run/rw/variables ]; then set -a; . /run/rw/variables; set +a; fi; mkdir -p out && cp "$(swift build -c release --static-swift-stdlib --show-bin-path)/shop" out/

# --- what runs
FROM debian:trixie-slim
RUN --mount=type=cache,id=rw-apt,target=/var/cache/apt,sharing=locked apt-get update -qq && apt-get install -y -qq --no-install-recommends ca-certificates tzdata && rm -rf /var/lib/apt/lists/* /var/log/apt /var/log/*.log /var/cache/ldconfig/aux-cache
ENV HOME=/tmp
ENV HOST=0.0.0.0 PORT=8080
EXPOSE 8080
WORKDIR /app
RUN chown 10001:10001 /app
COPY --from=build --chown=10001:10001 /app/out/shop /app/out/shop

USER 10001:10001
CMD ["/bin/sh", "-c", "exec ./out/shop"]
