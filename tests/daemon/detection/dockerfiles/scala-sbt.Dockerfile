# scala 21; planned by rw

# --- what builds
FROM maven:3.9-eclipse-temurin-21 AS build
RUN --mount=type=cache,id=rw-maven,target=/root/.m2/repository,sharing=locked mvn --batch-mode --quiet org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy -DoutputDirectory=/usr/local/lib -Dartifact=org.scala-sbt:sbt-launch:1.10.7
RUN printf '#!/bin/sh\nexec java $SBT_OPTS -jar /usr/local/lib/sbt-launch-1.10.7.jar "$@"\n' > /usr/local/bin/sbt && chmod 755 /usr/local/bin/sbt
WORKDIR /app

# install
COPY build.sbt ./
COPY project/plugins.sbt ./project/
RUN --mount=type=cache,id=rw-coursier,target=/root/.cache/coursier,sharing=locked --mount=type=cache,id=rw-sbt,target=/root/.sbt,sharing=locked --mount=type=cache,id=rw-ivy,target=/root/.ivy2,sharing=locked sbt update

# build
COPY . ./
RUN --mount=type=cache,id=rw-coursier,target=/root/.cache/coursier,sharing=locked --mount=type=cache,id=rw-sbt,target=/root/.sbt,sharing=locked --mount=type=cache,id=rw-ivy,target=/root/.ivy2,sharing=locked --mount=type=secret,id=variables,target=/run/rw/variables if [ -f /run/rw/variables ]; then set -a; . /run/rw/variables; set +a; fi; sbt stage

# collect
RUN rm -rf stage && cp -R target/universal/stage stage

# --- what runs
FROM eclipse-temurin:21-jre
ENV HOME=/tmp
ENV HOST=0.0.0.0 PORT=8080
EXPOSE 8080
WORKDIR /app
RUN chown 10001:10001 /app
COPY --from=build --chown=10001:10001 /app/stage /app/stage

USER 10001:10001
CMD ["/bin/sh", "-c", "exec ./stage/bin/my-main"]
