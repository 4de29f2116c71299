# clojure 21; planned by rw

# --- what builds
FROM clojure:temurin-21-lein AS build
WORKDIR /app

# install
COPY project.clj ./
RUN --mount=type=cache,id=rw-maven,target=/root/.m2/repository,sharing=locked lein deps

# build
COPY . ./
RUN --mount=type=cache,id=rw-maven,target=/root/.m2/repository,sharing=locked --mount=type=secret,id=variables,target=/run/rw/variables if [ -f /run/rw/variables ]; then set -a; . /run/rw/variables; set +a; fi; lein uberjar

# collect
RUN cp $(find target -name hello-0.1.0-standalone.jar) app.jar

# --- what runs
FROM eclipse-temurin:21-jre
ENV HOME=/tmp
ENV HOST=0.0.0.0 PORT=8080
EXPOSE 8080
WORKDIR /app
RUN chown 10001:10001 /app
COPY --from=build --chown=10001:10001 /app/app.jar /app/app.jar

USER 10001:10001
CMD ["/bin/sh", "-c", "exec java $JAVA_OPTS -jar app.jar"]
