# node 22; planned by rw

# build variables, mounted where a step declares them; they reach no layer
FROM scratch AS variables
COPY .rw/variables/ /

# --- what builds
FROM node:22-slim AS build
ENV NODE_ENV=production \
    PATH=/app/apps/web/node_modules/.bin:/app/node_modules/.bin:$PATH
WORKDIR /app

# install
COPY src/package.json ./
COPY src/apps/web/package.json ./apps/web/
COPY src/packages/tokens/package.json ./packages/tokens/
COPY src/packages/ui/package.json ./packages/ui/
COPY src/packages/unused/package.json ./packages/unused/
RUN --mount=type=cache,id=rw-npm,target=/root/.npm,sharing=locked --mount=type=bind,from=variables,source=/install,target=/run/rw/variables set -a; . /run/rw/variables; set +a; npm install --include=dev --no-audit --no-fund

# build
COPY src/ ./
RUN --mount=type=cache,id=rw-npm,target=/root/.npm,sharing=locked --mount=type=bind,from=variables,source=/build,target=/run/rw/variables set -a; . /run/rw/variables; set +a; turbo run build --filter=web
RUN --mount=type=cache,id=rw-npm,target=/root/.npm,sharing=locked --mount=type=bind,from=variables,source=/build,target=/run/rw/variables set -a; . /run/rw/variables; set +a; npm prune --omit=dev --no-audit --no-fund

# --- what runs
FROM node:22-slim
ENV NODE_ENV=production \
    PATH=/app/apps/web/node_modules/.bin:/app/node_modules/.bin:$PATH
ENV HOME=/tmp
ENV HOST=0.0.0.0 PORT=8080
EXPOSE 8080
WORKDIR /app
RUN chown 10001:10001 /app
COPY --from=build --chown=10001:10001 /app /app

USER 10001:10001
CMD ["/bin/sh", "-c", "exec sh -c 'cd apps/web && exec node web.js'"]
