# deno 2; planned by rw

# --- what builds
FROM denoland/deno:debian-2 AS build
ENV DENO_DIR=.deno \
    DENO_NO_UPDATE_CHECK=1
WORKDIR /app

# install
COPY deno.json deno.lock ./
RUN deno install --frozen

# build
COPY . ./
RUN deno cache --frozen main.ts

# --- what runs
FROM denoland/deno:debian-2
ENV DENO_DIR=.deno \
    DENO_NO_UPDATE_CHECK=1
ENV HOME=/tmp
ENV HOST=0.0.0.0 PORT=8080
EXPOSE 8080
WORKDIR /app
RUN chown 10001:10001 /app
COPY --from=build --chown=10001:10001 /app /app

USER 10001:10001
CMD ["/bin/sh", "-c", "exec env DENO_SERVE_ADDRESS=tcp:$HOST:$PORT deno run --allow-all main.ts"]
