# python 3.13, Django; planned by rw

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
    PATH=/app/.venv/bin:$PATH
WORKDIR /app

# node
COPY src/package.json ./
RUN --mount=type=cache,id=rw-npm,target=/root/.npm,sharing=locked --mount=type=bind,from=variables,source=/node,target=/run/rw/variables set -a; . /run/rw/variables; set +a; npm install --include=dev --no-audit --no-fund

# install
COPY src/requirements.txt ./
RUN --mount=type=cache,id=rw-uv,target=/root/.cache/uv,sharing=locked uv venv --quiet .venv
RUN --mount=type=cache,id=rw-uv,target=/root/.cache/uv,sharing=locked uv pip install --compile-bytecode -r requirements.txt

# sources
COPY src/ ./

# assets
RUN --mount=type=cache,id=rw-npm,target=/root/.npm,sharing=locked --mount=type=bind,from=variables,source=/assets,target=/run/rw/variables set -a; . /run/rw/variables; set +a; npm run build

# build
RUN --mount=type=bind,from=variables,source=/build,target=/run/rw/variables set -a; . /run/rw/variables; set +a; python manage.py collectstatic --noinput

# clean
RUN rm -rf node_modules .node-programs

# --- what runs
FROM python:3.13-slim
RUN --mount=type=cache,id=rw-apt,target=/var/cache/apt,sharing=locked apt-get update -qq && apt-get install -y -qq --no-install-recommends libpq5 && rm -rf /var/lib/apt/lists/* /var/log/apt /var/log/*.log /var/cache/ldconfig/aux-cache
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
# before each release: python manage.py migrate --noinput
CMD ["/bin/sh", "-c", "exec gunicorn shop.wsgi:application --bind $HOST:$PORT"]
