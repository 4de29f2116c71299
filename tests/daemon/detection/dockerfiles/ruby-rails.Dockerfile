# ruby 3.3, Rails; planned by rw

# --- what builds
FROM ruby:3.3-slim AS build
RUN --mount=type=cache,id=rw-apt,target=/var/cache/apt,sharing=locked apt-get update -qq && apt-get install -y -qq --no-install-recommends build-essential git libpq-dev libyaml-dev pkg-config && rm -rf /var/lib/apt/lists/*
COPY --from=node:22-slim /usr/local/ /usr/local/
ENV BUNDLE_DEPLOYMENT=1 \
    BUNDLE_PATH=vendor/bundle \
    BUNDLE_WITHOUT=development:test \
    LANG=C.UTF-8 \
    MALLOC_ARENA_MAX=2 \
    RACK_ENV=production \
    RAILS_ENV=production \
    RAILS_LOG_TO_STDOUT=1 \
    RAILS_SERVE_STATIC_FILES=1
WORKDIR /app

# install
COPY Gemfile Gemfile.lock .ruby-version ./
RUN --mount=type=cache,id=rw-bundle,target=/root/.bundle/cache,sharing=locked --mount=type=secret,id=variables,target=/run/rw/variables if [ -f /run/rw/variables ]; then set -a; . /run/rw/variables; set +a; fi; mkdir -p vendor/bundle && BUNDLE_GLOBAL_GEM_CACHE=true bundle install --jobs 4 --retry 3 && rm -rf vendor/bundle/ruby/*/cache vendor/bundle/ruby/*/bundler/gems/*/.git
RUN --mount=type=cache,id=rw-bundle,target=/root/.bundle/cache,sharing=locked --mount=type=secret,id=variables,target=/run/rw/variables if [ -f /run/rw/variables ]; then set -a; . /run/rw/variables; set +a; fi; bundle exec bootsnap precompile --gemfile

# node
COPY package.json ./
RUN --mount=type=cache,id=rw-npm,target=/root/.npm,sharing=locked --mount=type=secret,id=variables,target=/run/rw/variables if [ -f /run/rw/variables ]; then set -a; . /run/rw/variables; set +a; fi; npm install --include=dev --no-audit --no-fund

# build
COPY . ./
RUN --mount=type=cache,id=rw-npm,target=/root/.npm,sharing=locked --mount=type=secret,id=variables,target=/run/rw/variables if [ -f /run/rw/variables ]; then set -a; . /run/rw/variables; set +a; fi; bundle exec bootsnap precompile app lib
RUN --mount=type=cache,id=rw-npm,target=/root/.npm,sharing=locked --mount=type=secret,id=variables,target=/run/rw/variables if [ -f /run/rw/variables ]; then set -a; . /run/rw/variables; set +a; fi; SECRET_KEY_BASE_DUMMY=1 SECRET_KEY_BASE=${SECRET_KEY_BASE:-unused} bundle exec rails assets:precompile
RUN --mount=type=cache,id=rw-npm,target=/root/.npm,sharing=locked --mount=type=secret,id=variables,target=/run/rw/variables if [ -f /run/rw/variables ]; then set -a; . /run/rw/variables; set +a; fi; rm -rf node_modules .node-programs

# --- what runs
FROM ruby:3.3-slim
RUN --mount=type=cache,id=rw-apt,target=/var/cache/apt,sharing=locked apt-get update -qq && apt-get install -y -qq --no-install-recommends libpq5 libyaml-0-2 && rm -rf /var/lib/apt/lists/* /var/log/apt /var/log/*.log /var/cache/ldconfig/aux-cache
ENV BUNDLE_DEPLOYMENT=1 \
    BUNDLE_PATH=vendor/bundle \
    BUNDLE_WITHOUT=development:test \
    LANG=C.UTF-8 \
    MALLOC_ARENA_MAX=2 \
    RACK_ENV=production \
    RAILS_ENV=production \
    RAILS_LOG_TO_STDOUT=1 \
    RAILS_SERVE_STATIC_FILES=1
ENV HOME=/tmp
ENV HOST=0.0.0.0 PORT=8080
EXPOSE 8080
WORKDIR /app
RUN chown 10001:10001 /app
COPY --from=build --chown=10001:10001 /app /app

USER 10001:10001
# before each release: bundle exec rails db:migrate
CMD ["/bin/sh", "-c", "exec bundle exec puma -b tcp://$HOST:$PORT"]
