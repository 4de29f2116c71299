# elixir 1.18, Phoenix; planned by rw

# --- what builds
FROM elixir:1.18-slim AS build
RUN --mount=type=cache,id=rw-apt,target=/var/cache/apt,sharing=locked apt-get update -qq && apt-get install -y -qq --no-install-recommends build-essential git && rm -rf /var/lib/apt/lists/*
ENV ELIXIR_ERL_OPTIONS="+fnu" \
    LANG=C.UTF-8 \
    MIX_ENV=prod \
    PHX_SERVER=true \
    RELEASE_DISTRIBUTION=none
WORKDIR /app

# install
COPY mix.exs mix.lock ./
COPY config/config.exs ./config/
RUN --mount=type=cache,id=rw-hex,target=/root/.hex,sharing=locked --mount=type=cache,id=rw-mix,target=/root/.mix,sharing=locked --mount=type=secret,id=variables,target=/run/rw/variables if [ -f /run/rw/variables ]; then set -a; . /run/rw/variables; set +a; fi; mix local.hex --force --if-missing && mix local.rebar --force --if-missing
RUN --mount=type=cache,id=rw-hex,target=/root/.hex,sharing=locked --mount=type=cache,id=rw-mix,target=/root/.mix,sharing=locked --mount=type=secret,id=variables,target=/run/rw/variables if [ -f /run/rw/variables ]; then set -a; . /run/rw/variables; set +a; fi; mix deps.get --only prod --check-locked
RUN --mount=type=cache,id=rw-hex,target=/root/.hex,sharing=locked --mount=type=cache,id=rw-mix,target=/root/.mix,sharing=locked --mount=type=secret,id=variables,target=/run/rw/variables if [ -f /run/rw/variables ]; then set -a; . /run/rw/variables; set +a; fi; mix deps.compile

# build
COPY . ./
RUN --mount=type=cache,id=rw-hex,target=/root/.hex,sharing=locked --mount=type=cache,id=rw-mix,target=/root/.mix,sharing=locked --mount=type=secret,id=variables,target=/run/rw/variables if [ -f /run/rw/variables ]; then set -a; . /run/rw/variables; set +a; fi; mix compile
RUN --mount=type=cache,id=rw-hex,target=/root/.hex,sharing=locked --mount=type=cache,id=rw-mix,target=/root/.mix,sharing=locked --mount=type=secret,id=variables,target=/run/rw/variables if [ -f /run/rw/variables ]; then set -a; . /run/rw/variables; set +a; fi; mix assets.deploy
RUN --mount=type=cache,id=rw-hex,target=/root/.hex,sharing=locked --mount=type=cache,id=rw-mix,target=/root/.mix,sharing=locked --mount=type=secret,id=variables,target=/run/rw/variables if [ -f /run/rw/variables ]; then set -a; . /run/rw/variables; set +a; fi; mix release --overwrite --path release

# --- what runs
FROM debian:trixie-slim
RUN --mount=type=cache,id=rw-apt,target=/var/cache/apt,sharing=locked apt-get update -qq && apt-get install -y -qq --no-install-recommends ca-certificates libncurses6 libstdc++6 openssl && rm -rf /var/lib/apt/lists/* /var/log/apt /var/log/*.log /var/cache/ldconfig/aux-cache
ENV ELIXIR_ERL_OPTIONS="+fnu" \
    LANG=C.UTF-8 \
    MIX_ENV=prod \
    PHX_SERVER=true \
    RELEASE_DISTRIBUTION=none
ENV HOME=/tmp
ENV HOST=0.0.0.0 PORT=8080
EXPOSE 8080
WORKDIR /app
RUN chown 10001:10001 /app
COPY --from=build --chown=10001:10001 /app/release /app/release

USER 10001:10001
# before each release: release/bin/shop eval 'Application.ensure_all_started(:ssl); Enum.each([:shop], fn app -> Application.load(app); for repo <- Application.get_env(app, :ecto_repos, []), do: {:ok, _, _} = Ecto.Migrator.with_repo(repo, &Ecto.Migrator.run(&1, :up, all: true)) end)'
CMD ["/bin/sh", "-c", "exec release/bin/shop start"]
