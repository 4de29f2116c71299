# dart 3; planned by rw

# --- what builds
FROM dart:3 AS build
WORKDIR /app

# install
COPY pubspec.yaml pubspec.lock ./
RUN --mount=type=cache,id=rw-dart-pub,target=/root/.pub-cache,sharing=locked dart pub get --enforce-lockfile

# build
COPY . ./
RUN --mount=type=cache,id=rw-dart-pub,target=/root/.pub-cache,sharing=locked --mount=type=secret,id=variables,target=/run/rw/variables if [ -f /run/rw/variables ]; then set -a; . /run/rw/variables; set +a; fi; dart pub get --enforce-lockfile && mkdir -p out && dart compile exe bin/shop.dart -o out/shop

# --- what runs
FROM debian:trixie-slim
RUN --mount=type=cache,id=rw-apt,target=/var/cache/apt,sharing=locked apt-get update -qq && apt-get install -y -qq --no-install-recommends ca-certificates && rm -rf /var/lib/apt/lists/* /var/log/apt /var/log/*.log /var/cache/ldconfig/aux-cache
ENV HOME=/tmp
ENV HOST=0.0.0.0 PORT=8080
EXPOSE 8080
WORKDIR /app
RUN chown 10001:10001 /app
COPY --from=build --chown=10001:10001 /app/out/shop /app/out/shop

USER 10001:10001
CMD ["/bin/sh", "-c", "exec ./out/shop"]
