# java 21, spring-boot; planned by rw

# --- what builds
FROM maven:3.9-eclipse-temurin-21 AS build
WORKDIR /app

# install
COPY pom.xml mvnw ./
COPY .mvn/ ./.mvn/
RUN --mount=type=cache,id=rw-maven,target=/root/.m2/repository,sharing=locked --mount=type=cache,id=rw-maven-wrapper,target=/root/.m2/wrapper,sharing=locked MAVEN_CONFIG= sh mvnw --batch-mode --no-transfer-progress --fail-never org.apache.maven.plugins:maven-dependency-plugin:3.8.1:resolve

# build
COPY . ./
RUN --mount=type=cache,id=rw-maven,target=/root/.m2/repository,sharing=locked --mount=type=cache,id=rw-maven-wrapper,target=/root/.m2/wrapper,sharing=locked --mount=type=secret,id=variables,target=/run/rw/variables if [ -f /run/rw/variables ]; then set -a; . /run/rw/variables; set +a; fi; MAVEN_CONFIG= sh mvnw --batch-mode --no-transfer-progress -DskipTests package

# collect
RUN cp target/shop-1.0.jar app.jar

# --- what runs
FROM eclipse-temurin:21-jre
ENV HOME=/tmp
ENV HOST=0.0.0.0 PORT=8080
EXPOSE 8080
WORKDIR /app
RUN chown 10001:10001 /app
COPY --from=build --chown=10001:10001 /app/app.jar /app/app.jar

USER 10001:10001
CMD ["/bin/sh", "-c", "exec java $JAVA_OPTS -Dserver.address=$HOST -Dserver.port=$PORT -jar app.jar"]
