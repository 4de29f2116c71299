# ruby 3.1, Sinatra; planned by rw

# --- what builds
FROM ruby:3.1.2-slim AS build
RUN --mount=type=cache,id=rw-apt,target=/var/cache/apt,sharing=locked apt-get update -qq && apt-get install -y -qq --no-install-recommends build-essential git libyaml-dev pkg-config && rm -rf /var/lib/apt/lists/*
ENV BUNDLE_DEPLOYMENT=1 \
    BUNDLE_PATH=vendor/bundle \
    BUNDLE_WITHOUT=development:test \
    LANG=C.UTF-8 \
    MALLOC_ARENA_MAX=2 \
    RACK_ENV=production
WORKDIR /app

# install
COPY Gemfile Gemfile.lock ./
RUN --mount=type=cache,id=rw-bundle,target=/root/.bundle/cache,sharing=locked mkdir -p vendor/bundle && BUNDLE_GLOBAL_GEM_CACHE=true bundle install --jobs 4 --retry 3 && rm -rf vendor/bundle/ruby/*/cache vendor/bundle/ruby/*/bundler/gems/*/.git

# --- what runs
FROM ruby:3.1.2-slim
RUN --mount=type=cache,id=rw-apt,target=/var/cache/apt,sharing=locked apt-get update -qq && apt-get install -y -qq --no-install-recommends libyaml-0-2 && rm -rf /var/lib/apt/lists/* /var/log/apt /var/log/*.log /var/cache/ldconfig/aux-cache
ENV BUNDLE_DEPLOYMENT=1 \
    BUNDLE_PATH=vendor/bundle \
    BUNDLE_WITHOUT=development:test \
    LANG=C.UTF-8 \
    MALLOC_ARENA_MAX=2 \
    RACK_ENV=production
ENV HOME=/tmp
ENV HOST=0.0.0.0 PORT=8080
EXPOSE 8080
WORKDIR /app
RUN chown 10001:10001 /app
COPY --from=build --chown=10001:10001 /app/vendor/bundle /app/vendor/bundle
COPY --chown=10001:10001 . /app/

USER 10001:10001
CMD ["/bin/sh", "-c", "exec bundle exec puma -b tcp://$HOST:$PORT"]
