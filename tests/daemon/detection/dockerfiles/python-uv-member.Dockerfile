# python 3.13, Flask; planned by rw

# --- what builds
FROM python:3.13-slim AS build
RUN --mount=type=cache,id=rw-pip,target=/root/.cache/pip pip install --quiet --root-user-action=ignore uv
ENV UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never
ENV PYTHONUNBUFFERED=1 \
    FORWARDED_ALLOW_IPS="*" \
    PATH=/app/.venv/bin:$PATH
WORKDIR /app

# install
COPY src/pyproject.toml src/uv.lock ./
COPY src/api/pyproject.toml ./api/
COPY src/web/pyproject.toml ./web/
RUN --mount=type=cache,id=rw-uv,target=/root/.cache/uv,sharing=locked uv sync --locked --no-dev --compile-bytecode --package the-web --no-install-workspace

# sources
COPY src/ ./

# project
RUN --mount=type=cache,id=rw-uv,target=/root/.cache/uv,sharing=locked uv sync --locked --no-dev --compile-bytecode --package the-web --no-editable

# server
RUN --mount=type=cache,id=rw-uv,target=/root/.cache/uv,sharing=locked uv pip install --compile-bytecode gunicorn

# --- what runs
FROM python:3.13-slim
ENV PYTHONUNBUFFERED=1 \
    FORWARDED_ALLOW_IPS="*" \
    PATH=/app/.venv/bin:$PATH
ENV HOME=/tmp
ENV HOST=0.0.0.0 PORT=8080
EXPOSE 8080
WORKDIR /app
RUN chown 10001:10001 /app
COPY --from=build --chown=10001:10001 /app /app

USER 10001:10001
CMD ["/bin/sh", "-c", "exec sh -c 'cd web && exec gunicorn app:app --bind $HOST:$PORT'"]
