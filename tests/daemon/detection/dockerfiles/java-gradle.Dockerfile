# java 17, spring-boot; planned by rw

# --- what builds
FROM eclipse-temurin:17-jdk AS build
WORKDIR /app

# install
COPY apps/web/build.gradle.kts ./apps/web/
COPY build.gradle.kts settings.gradle.kts gradlew ./
COPY core/build.gradle.kts ./core/
COPY gradle/ ./gradle/
RUN --mount=type=cache,id=rw-gradle,target=/root/.gradle,sharing=locked sh gradlew --no-daemon --console=plain :apps:web:dependencies

# build
COPY . ./
RUN --mount=type=cache,id=rw-gradle,target=/root/.gradle,sharing=locked --mount=type=secret,id=variables,target=/run/rw/variables if [ -f /run/rw/variables ]; then set -a; . /run/rw/variables; set +a; fi; sh gradlew --no-daemon --console=plain :apps:web:bootJar

# collect
RUN cp $(find apps/web/build/libs -maxdepth 1 -name '*.jar' ! -name '*-plain.jar' ! -name '*-sources.jar' ! -name '*-javadoc.jar' ! -name '*-tests.jar' ! -name 'original-*') app.jar

# --- what runs
FROM eclipse-temurin:17-jre
ENV HOME=/tmp
ENV HOST=0.0.0.0 PORT=8080
EXPOSE 8080
WORKDIR /app
RUN chown 10001:10001 /app
COPY --from=build --chown=10001:10001 /app/app.jar /app/app.jar

USER 10001:10001
CMD ["/bin/sh", "-c", "exec java $JAVA_OPTS -Dserver.address=$HOST -Dserver.port=$PORT -jar app.jar"]
