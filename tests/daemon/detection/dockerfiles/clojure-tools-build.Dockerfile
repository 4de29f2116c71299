# clojure 21; planned by rw

# --- what builds
FROM clojure:temurin-21-tools-deps AS build
WORKDIR /app

# install
COPY deps.edn build.clj ./
RUN --mount=type=cache,id=rw-maven,target=/root/.m2/repository,sharing=locked --mount=type=cache,id=rw-clojure-git,target=/root/.gitlibs,sharing=locked clojure -P && clojure -P -T:build

# build
COPY . ./
RUN --mount=type=cache,id=rw-maven,target=/root/.m2/repository,sharing=locked --mount=type=cache,id=rw-clojure-git,target=/root/.gitlibs,sharing=locked --mount=type=secret,id=variables,target=/run/rw/variables if [ -f /run/rw/variables ]; then set -a; . /run/rw/variables; set +a; fi; clojure -T:build uber

# collect
RUN cp $(find target -maxdepth 1 -name '*.jar' ! -name '*-plain.jar' ! -name '*-sources.jar' ! -name '*-javadoc.jar' ! -name '*-tests.jar' ! -name 'original-*') app.jar

# --- what runs
FROM eclipse-temurin:21-jre
ENV HOME=/tmp
ENV HOST=0.0.0.0 PORT=8080
EXPOSE 8080
WORKDIR /app
RUN chown 10001:10001 /app
COPY --from=build --chown=10001:10001 /app/app.jar /app/app.jar
COPY --from=build --chown=10001:10001 /app/resources /app/resources

USER 10001:10001
CMD ["/bin/sh", "-c", "exec java $JAVA_OPTS -jar app.jar"]
