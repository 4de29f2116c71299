"""Projects in Rust and on the JVM of the shapes that nixpacks's examples have.

Where the version differs on purpose: nothing asks for Java 8 or 17, so it is 21, or the newest that the build tool runs on; Rust's
``rust-version`` is the oldest that will do, and the newest is taken.
"""

from __future__ import annotations

import re

RUST = {"Cargo.toml": '[package]\nname = "{}"\nversion = "0.1.0"\nedition = "2021"\n', "src/main.rs": "fn main() {}"}
JAVA = {"src/main/java/demo/App.java": "package demo;\npublic class App { public static void main(String[] args) {} }"}
POM = (
    "<project><parent><groupId>org.springframework.boot</groupId><artifactId>spring-boot-starter-parent</artifactId><version>3.1.0</version></parent>"
    "<artifactId>demo</artifactId><version>1</version><build><plugins><plugin><groupId>org.springframework.boot</groupId>"
    "<artifactId>spring-boot-maven-plugin</artifactId></plugin></plugins></build></project>"
)
MVNW = {"mvnw": "#!/bin/sh", ".mvn/wrapper/maven-wrapper.properties": ""}
LEIN = '(defproject hello "0.1.0-SNAPSHOT" :main ^:skip-aot hello.core :profiles {:uberjar {:aot :all}}'
JAR, SPRING = "java $JAVA_OPTS -jar app.jar", "java $JAVA_OPTS -Dserver.address=$HOST -Dserver.port=$PORT -jar app.jar"


def rust(name: str, more: str = "", **files: str) -> dict[str, str]:
    return {**RUST, "Cargo.toml": RUST["Cargo.toml"].format(name) + more, **files}


def workspace(members: str, binary: str) -> dict[str, str]:
    return {
        "Cargo.toml": f"[workspace]\nmembers = {members}\n",
        f"{binary}/Cargo.toml": '[package]\nname = "binary"',
        f"{binary}/src/main.rs": "fn main() {}",
    }


def gradle(version: str, plugins: str, more: str = "") -> dict[str, str]:
    text = f"plugins {{\n{plugins}\n}}\n{more}\n"
    wrapper = {
        "gradlew": "#!/bin/sh",
        "gradle/wrapper/gradle-wrapper.jar": "",
        "gradle/wrapper/gradle-wrapper.properties": f"gradle-{version}-bin.zip",
    }
    return {"build.gradle": text, **wrapper, **JAVA}


SPRING_PLUGINS = "id 'java'\nid 'org.springframework.boot' version '2.7.5'"
OLD_SPRING = {
    "build.gradle": "buildscript { dependencies { classpath 'org.springframework.boot:spring-boot-gradle-plugin:1.5' } }\napply plugin: 'java'\napply plugin: 'org.springframework.boot'\n"
}
MANIFEST = "jar { manifest { attributes 'Main-Class': 'demo.App' } }"
EXAMPLES: dict[str, tuple[dict[str, str], str, str, str]] = {
    "clojure": ({"project.clj": LEIN + ")"}, "clojure", "21", JAR),
    "clojure-jdk-latest": ({"project.clj": LEIN + ")", ".jdk-version": "latest"}, "clojure", "21", JAR),
    "clojure-jdk11": ({"project.clj": LEIN + ")", ".jdk-version": "11"}, "clojure", "11", JAR),
    "clojure-luminus": ({"project.clj": LEIN + ' :plugins [] :target-path "target/%s/" )'}, "clojure", "21", JAR),
    "clojure-ring-app": ({"project.clj": '(defproject x "1" :plugins [[lein-ring "0.12.6"]] :ring {:handler x/app})'}, "clojure", "21", JAR),
    "clojure-tools-build": ({"deps.edn": "{}", "build.clj": "(defn uber [_])"}, "clojure", "21", JAR),
    "java-gradle-8": (
        {**gradle("8.2.1", "id 'java'", MANIFEST), "Procfile": "web: gradle -v && java $JAVA_OPTS -jar build/libs/*.jar"},
        "java", "17", "gradle -v && java $JAVA_OPTS -jar build/libs/*.jar",
    ),
    "java-gradle-8-kotlin": (
        {**gradle("8.2.1", "id 'org.jetbrains.kotlin.jvm' version '1.9.0'", MANIFEST), "Procfile": "web: gradle -v && java $JAVA_OPTS -jar build/libs/*.jar"},
        "java", "17", "gradle -v && java $JAVA_OPTS -jar build/libs/*.jar",
    ),
    "java-gradle-hello-world": (gradle("7.5", "id 'java'", MANIFEST), "java", "17", JAR),
    "java-spring-boot-1": ({**gradle("6.7.1", ""), **OLD_SPRING}, "java", "11", SPRING),
    "java-spring-boot-2": (gradle("7.5", SPRING_PLUGINS, "sourceCompatibility = '17'"), "java", "17", SPRING),
    "java-spring-boot-3": (gradle("8.3", SPRING_PLUGINS, "sourceCompatibility = '17'"), "java", "17", SPRING),
    "java-maven": ({"pom.xml": POM, **JAVA}, "java", "21", SPRING),
    "java-maven-wrapper": ({"pom.xml": POM, **JAVA, **MVNW}, "java", "21", SPRING),
    "rust-cargo-workspaces": (workspace('["binary"]', "binary"), "rust", "1", "./target/release/binary"),
    "rust-cargo-workspaces-glob": (workspace('["crates/*"]', "crates/binary"), "rust", "1", "./target/release/binary"),
    "rust-custom-toolchain": (
        rust("custom", **{"rust-toolchain.toml": '[toolchain]\nchannel = "nightly-2024-08-12"'}), "rust", "nightly-2024-08-12", "./target/release/custom",
    ),
    "rust-custom-version": (rust("custom", 'rust-version = "1.56.0"\n'), "rust", "1", "./target/release/custom"),
    "rust-multiple-bins": (
        {"Cargo.toml": rust("many", 'default-run = "bin1"')["Cargo.toml"], "src/bin/bin1.rs": "", "src/bin/bin2.rs": ""}, "rust", "1", "./target/release/bin1",
    ),
    "rust-openssl": (rust("ssl", "[dependencies]\nopenssl = '0.10'"), "rust", "1", "./target/release/ssl"),
    "rust-ring": (rust("rust-ring", "[dependencies]\nring = '0.16'"), "rust", "1", "./target/release/rust-ring"),
    "rust-rocket": (
        rust("rocket", "[dependencies]\nrocket = '0.5'"), "rust", "1", "env ROCKET_ADDRESS=$HOST ROCKET_PORT=$PORT ./target/release/rocket",
    ),
    "scala-sbt": (
        {"build.sbt": 'name := "main"\n', "project/plugins.sbt": 'addSbtPlugin("com.github.sbt" % "sbt-native-packager" % "1.9.11")'}, "scala", "21", "./stage/bin/main",
    ),
}  # fmt: skip
ROWS = {name: (files, buildpack, version, re.escape(start)) for name, (files, buildpack, version, start) in EXAMPLES.items()}
