# cpp; planned by rw

# --- what builds
FROM debian:trixie-slim AS build
RUN --mount=type=cache,id=rw-apt,target=/var/cache/apt,sharing=locked apt-get update -qq && apt-get install -y -qq --no-install-recommends build-essential ccache cmake ninja-build && rm -rf /var/lib/apt/lists/*
WORKDIR /app

# build
COPY . ./
RUN --mount=type=cache,id=rw-ccache,target=/root/.cache/ccache,sharing=locked --mount=type=secret,id=variables,target=/run/rw/variables if [ -f /run/rw/variables ]; then set -a; . /run/rw/variables; set +a; fi; export CCACHE_BASEDIR="$PWD" && cmake -S . -B build -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_C_COMPILER_LAUNCHER="$(command -v ccache)" -DCMAKE_CXX_COMPILER_LAUNCHER="$(command -v ccache)" && cmake --build build --target shop
RUN --mount=type=cache,id=rw-ccache,target=/root/.cache/ccache,sharing=locked --mount=type=secret,id=variables,target=/run/rw/variables if [ -f /run/rw/variables ]; then set -a; . /run/rw/variables; set +a; fi; mkdir -p out && cp "$(find . -type f -name shop -perm -u+x -not -path "./out/*" | head -n 1)" out/

# --- what runs
FROM debian:trixie-slim
ENV HOME=/tmp
ENV HOST=0.0.0.0 PORT=8080
EXPOSE 8080
WORKDIR /app
RUN chown 10001:10001 /app
COPY --from=build --chown=10001:10001 /app/out/shop /app/out/shop

USER 10001:10001
CMD ["/bin/sh", "-c", "exec ./out/shop"]
