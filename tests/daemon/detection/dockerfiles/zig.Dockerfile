# zig 0.15.2; planned by rw

# --- what builds
FROM python:3.13-slim AS build
RUN --mount=type=cache,id=rw-pip,target=/root/.cache/pip pip install --quiet --root-user-action=ignore uv
ENV UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never
WORKDIR /app

# build
COPY . ./
RUN --mount=type=cache,id=rw-uv,target=/root/.cache/uv,sharing=locked --mount=type=cache,id=rw-zig,target=/root/.cache/zig,sharing=locked --mount=type=secret,id=variables,target=/run/rw/variables if [ -f /run/rw/variables ]; then set -a; . /run/rw/variables; set +a; fi; uv tool run --from 'ziglang==0.15.2' python-zig build -Doptimize=ReleaseSafe

# --- what runs
FROM debian:trixie-slim
ENV HOME=/tmp
ENV HOST=0.0.0.0 PORT=8080
EXPOSE 8080
WORKDIR /app
RUN chown 10001:10001 /app
COPY --from=build --chown=10001:10001 /app/zig-out/bin/shop /app/zig-out/bin/shop

USER 10001:10001
CMD ["/bin/sh", "-c", "exec ./zig-out/bin/shop"]
