# node 22; planned by rw

# build variables, mounted where a step declares them; they reach no layer
FROM scratch AS variables
COPY .rw/variables/ /

# --- what builds
FROM python:3.13-slim AS build
COPY --from=node:22-slim /usr/local/ /usr/local/
RUN --mount=type=cache,id=rw-pip,target=/root/.cache/pip pip install --quiet --root-user-action=ignore uv
ENV UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never
ENV NODE_ENV=production \
    PYTHONUNBUFFERED=1 \
    PATH=/app/node_modules/.bin:/app/.venv/bin:$PATH
WORKDIR /app

# python
COPY src/requirements.txt ./
RUN --mount=type=cache,id=rw-uv,target=/root/.cache/uv,sharing=locked uv venv --quiet .venv
RUN --mount=type=cache,id=rw-uv,target=/root/.cache/uv,sharing=locked uv pip install --compile-bytecode -r requirements.txt

# install
COPY src/package.json ./
RUN --mount=type=cache,id=rw-npm,target=/root/.npm,sharing=locked --mount=type=bind,from=variables,source=/install,target=/run/rw/variables set -a; . /run/rw/variables; set +a; npm install --omit=dev --no-audit --no-fund

# sources
COPY src/ ./

# --- what runs
FROM python:3.13-slim
COPY --from=node:22-slim /usr/local/ /usr/local/
ENV NODE_ENV=production \
    PYTHONUNBUFFERED=1 \
    PATH=/app/node_modules/.bin:/app/.venv/bin:$PATH
ENV HOME=/tmp
ENV HOST=0.0.0.0 PORT=8080
EXPOSE 8080
WORKDIR /app
RUN chown 10001:10001 /app
COPY --from=build --chown=10001:10001 /app /app

USER 10001:10001
CMD ["/bin/sh", "-c", "exec sh -c 'python warm.py && node server.js'"]
