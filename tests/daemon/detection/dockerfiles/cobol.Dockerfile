# cobol; planned by rw

# --- what builds
FROM debian:trixie-slim AS build
RUN --mount=type=cache,id=rw-apt,target=/var/cache/apt,sharing=locked apt-get update -qq && apt-get install -y -qq --no-install-recommends gnucobol3 && rm -rf /var/lib/apt/lists/*
WORKDIR /app

# build
COPY . ./
RUN mkdir -p out && cobc -x -o out/index index.cbl

# --- what runs
FROM debian:trixie-slim
RUN --mount=type=cache,id=rw-apt,target=/var/cache/apt,sharing=locked apt-get update -qq && apt-get install -y -qq --no-install-recommends libcob4t64 && rm -rf /var/lib/apt/lists/* /var/log/apt /var/log/*.log /var/cache/ldconfig/aux-cache
ENV HOME=/tmp
ENV HOST=0.0.0.0 PORT=8080
EXPOSE 8080
WORKDIR /app
RUN chown 10001:10001 /app
COPY --from=build --chown=10001:10001 /app/out/index /app/out/index

USER 10001:10001
CMD ["/bin/sh", "-c", "exec ./out/index"]
