# mkdocs 3.13, mkdocs; planned by rw

# --- what builds
FROM python:3.13-slim AS build
RUN --mount=type=cache,id=rw-pip,target=/root/.cache/pip pip install --quiet --root-user-action=ignore uv
ENV UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never
ENV PATH=/app/.venv/bin:$PATH
WORKDIR /app
RUN printf '%s\n' '{' '	admin off' '	persist_config off' '	auto_https off' '	log {' '		output stderr' '		level WARN' '	}' '}' '' 'http://:{$PORT:8080} {' '	bind {$HOST:0.0.0.0}' '	root * "site"' '	encode zstd gzip' '	@hidden {' '		path_regexp (^|/)\.' '		not path /.well-known/*' '	}' '	error @hidden 404' '	@hashed {' '		path_regexp "^/(assets|static|_astro|_next/static|_app/immutable|_nuxt)/.*[.-][A-Za-z0-9_-]{8,}\.(?:js|mjs|css|woff2?|ttf|png|jpe?g|gif|svg|webp|avif|ico|wasm|map)$"' '		file' '	}' '	header @hashed Cache-Control "public, max-age=31536000, immutable"' '	@pages not path_regexp \.[A-Za-z0-9]+$' '	header @pages Cache-Control no-cache' '	header X-Content-Type-Options nosniff' '	@health expression `{http.request.orig_uri.path} == '"'"'/health'"'"' && !file({'"'"'try_files'"'"': ['"'"'/health'"'"', '"'"'/health.html'"'"', '"'"'/health/index.html'"'"']})`' '	respond @health 200' '	try_files {path} {path}/index.html {path}.html' '	file_server {' '		hide Caddyfile' '		hide Caddyfile.template' '		hide Staticfile' '		hide _headers' '		hide _redirects' '		hide railway.toml' '		hide railway.json' '		hide Procfile' '	}' '	handle_errors 404 {' '		rewrite * "/404.html"' '		file_server {' '			status 404' '		}' '	}' '}' > Caddyfile

# install
RUN --mount=type=cache,id=rw-uv,target=/root/.cache/uv,sharing=locked uv venv --quiet .venv
RUN --mount=type=cache,id=rw-uv,target=/root/.cache/uv,sharing=locked uv pip install --compile-bytecode 'mkdocs<2'

# build
COPY . ./
RUN --mount=type=secret,id=variables,target=/run/rw/variables if [ -f /run/rw/variables ]; then set -a; . /run/rw/variables; set +a; fi; mkdocs build --quiet --config-file mkdocs.yml

# --- what runs
FROM caddy:2-alpine
ENV PATH=/app/.venv/bin:$PATH
ENV HOME=/tmp
ENV HOST=0.0.0.0 PORT=8080
EXPOSE 8080
WORKDIR /app
RUN chown 10001:10001 /app
COPY --from=build --chown=10001:10001 /app/site /app/site
COPY --from=build --chown=10001:10001 /app/Caddyfile /app/Caddyfile

USER 10001:10001
CMD ["/bin/sh", "-c", "exec caddy run --config Caddyfile --adapter caddyfile"]
