# deno 2; planned by rw

# --- what builds
FROM denoland/deno:debian-2 AS build
ENV DENO_DIR=.deno \
    DENO_NO_UPDATE_CHECK=1
WORKDIR /app

# install
COPY deno.json deno.lock ./
RUN --mount=type=cache,id=rw-deno,target=/root/.cache/deno,sharing=locked kept=${RW_DENO_KEPT:-/root/.cache/deno}; mkdir -p .deno; [ -n "$(tr -d , < deno.lock | sort -u | comm -23 "$kept/lock" - 2>&1)" ] || cp -a "$kept/modules/." .deno
RUN --mount=type=cache,id=rw-deno,target=/root/.cache/deno,sharing=locked deno install --frozen
RUN --mount=type=cache,id=rw-deno,target=/root/.cache/deno,sharing=locked kept=${RW_DENO_KEPT:-/root/.cache/deno}; rm -rf "$kept/lock" "$kept/modules" && cp -a .deno "$kept/modules" && tr -d , < deno.lock | sort -u > "$kept/lock"

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
