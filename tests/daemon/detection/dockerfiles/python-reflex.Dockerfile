# python 3.13, Reflex; planned by rw

# build variables, mounted where a step declares them; they reach no layer
FROM scratch AS variables
COPY .rw/variables/ /

# --- what builds
FROM python:3.13-slim AS build
COPY --from=node:22-slim /usr/local/ /usr/local/
RUN --mount=type=cache,id=rw-pip,target=/root/.cache/pip pip install --quiet --root-user-action=ignore uv
ENV UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never
ENV PYTHONUNBUFFERED=1 \
    FORWARDED_ALLOW_IPS="*" \
    REFLEX_USE_SYSTEM_BUN=true \
    PATH=/app/.venv/bin:/app/.node-programs/node_modules/.bin:$PATH
WORKDIR /app

# bun
RUN --mount=type=cache,id=rw-npm,target=/root/.npm,sharing=locked npm install --no-audit --no-fund --prefix .node-programs bun@1

# install
COPY src/requirements.txt ./
RUN --mount=type=cache,id=rw-uv,target=/root/.cache/uv,sharing=locked uv venv --quiet .venv
RUN --mount=type=cache,id=rw-uv,target=/root/.cache/uv,sharing=locked uv pip install --compile-bytecode -r requirements.txt

# sources
COPY src/ ./

# pages
RUN --mount=type=cache,id=rw-bun,target=/root/.bun/install/cache,sharing=locked --mount=type=bind,from=variables,source=/pages,target=/run/rw/variables set -a; . /run/rw/variables; set +a; reflex compile
RUN --mount=type=cache,id=rw-bun,target=/root/.bun/install/cache,sharing=locked --mount=type=bind,from=variables,source=/pages,target=/run/rw/variables set -a; . /run/rw/variables; set +a; sed -i 's/endpoint\.hostname = frontend_hostname;/& endpoint.port = window.location.port;/' .web/utils/state.js
RUN --mount=type=cache,id=rw-bun,target=/root/.bun/install/cache,sharing=locked --mount=type=bind,from=variables,source=/pages,target=/run/rw/variables set -a; . /run/rw/variables; set +a; reflex export --frontend-only --no-zip
RUN --mount=type=cache,id=rw-bun,target=/root/.bun/install/cache,sharing=locked --mount=type=bind,from=variables,source=/pages,target=/run/rw/variables set -a; . /run/rw/variables; set +a; rm -rf .web/node_modules .web/reflex.json .node-programs

# --- what runs
FROM python:3.13-slim
ENV PYTHONUNBUFFERED=1 \
    FORWARDED_ALLOW_IPS="*" \
    REFLEX_USE_SYSTEM_BUN=true \
    PATH=/app/.venv/bin:/app/.node-programs/node_modules/.bin:$PATH
ENV HOME=/tmp
ENV HOST=0.0.0.0 PORT=8080
EXPOSE 8080
WORKDIR /app
RUN chown 10001:10001 /app
COPY --from=build --chown=10001:10001 /app /app

USER 10001:10001
CMD ["/bin/sh", "-c", "exec env REFLEX_ENV_MODE=prod __REFLEX_SKIP_COMPILE=true __REFLEX_MOUNT_FRONTEND_COMPILED_APP=true granian --interface asgi --host $HOST --port $PORT shop.shop:app --factory"]
