"""What the Java buildpack makes of Maven and Gradle projects."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pins import pinned

from rw_daemon.detection import registry
from rw_daemon.detection.buildpack import Request
from rw_daemon.detection.buildpacks.java import JavaBuildpack
from rw_daemon.detection.gradle import Build, block, without_comments
from rw_daemon.detection.source import Source
from rw_daemon.detection.xml_tree import parse
from rw_daemon.plans.dockerfile import render
from rw_daemon.plans.plan import BuildPlan
from rw_shared.errors import ConfigInvalidError, NoStartCommandError

PINS = Path(__file__).parent / "dockerfiles"
MAIN = {"src/main/java/shop/App.java": "package shop;\npublic class App {\n  public static void main(String... arguments) {}\n}\n"}
BOOT = "<plugin><groupId>org.springframework.boot</groupId><artifactId>spring-boot-maven-plugin</artifactId></plugin>"
SPRING_PARENT = "<parent><groupId>org.springframework.boot</groupId><artifactId>spring-boot-starter-parent</artifactId><version>3.2.0</version><relativePath/></parent>"
MVNW = {"mvnw": "#!/bin/sh\n", ".mvn/wrapper/maven-wrapper.properties": "distributionUrl=https://x/apache-maven-3.9.6-bin.zip\n"}
START = "java $JAVA_OPTS {}"
ON_SPRING = "-Dserver.address=$HOST -Dserver.port=$PORT"


def java(files: dict[str, str], **variables: str) -> BuildPlan:
    return registry.plan(Request(Source(files), variables=variables))


def pom(*, plugins: str = "", more: str = "", properties: str = "", dependencies: str = "", name: str = "shop", parent: str = "") -> str:
    return (
        f'<project xmlns="http://maven.apache.org/POM/4.0.0">{parent}<artifactId>{name}</artifactId><version>1.0</version>'
        f"<properties>{properties}</properties><dependencies>{dependencies}</dependencies>"
        f"<build><plugins>{plugins}</plugins></build>{more}</project>"
    )


def plugin(name: str, configuration: str = "", *, group: str = "org.apache.maven.plugins", goal: str = "") -> str:
    executions = f"<executions><execution><goals><goal>{goal}</goal></goals></execution></executions>" if goal else ""
    return f"<plugin><groupId>{group}</groupId><artifactId>{name}</artifactId>{executions}<configuration>{configuration}</configuration></plugin>"


def dependency(group: str, name: str = "x", scope: str = "") -> str:
    return f"<dependency><groupId>{group}</groupId><artifactId>{name}</artifactId>{f'<scope>{scope}</scope>' if scope else ''}</dependency>"


MAVEN: dict[str, tuple[str, str, str]] = {
    "Spring Boot": (pom(plugins=BOOT, parent=SPRING_PARENT), f"{ON_SPRING} -jar app.jar", "cp target/shop-1.0.jar app.jar"),
    "Spring Boot with a classifier": (
        pom(plugins=plugin("spring-boot-maven-plugin", "<classifier>exec</classifier>", group="org.springframework.boot", goal="repackage")),
        f"{ON_SPRING} -jar app.jar",
        "cp target/shop-1.0-exec.jar app.jar",
    ),
    "Spring Boot as a war": (
        pom(plugins=BOOT, parent=SPRING_PARENT, more="<packaging>war</packaging>"), f"{ON_SPRING} -jar app.jar", "cp target/shop-1.0.war app.jar",
    ),
    "Spring Boot whose plugin packs nothing": (
        pom(plugins=BOOT, dependencies=dependency("org.springframework.boot")),
        f'{ON_SPRING} -cp "app.jar:lib/*" shop.App',
        "cp target/shop-1.0.jar app.jar && rm -rf lib && cp -R target/dependency lib",
    ),
    "Quarkus": (
        pom(plugins=plugin("quarkus-maven-plugin", group="io.quarkus")),
        "-Dquarkus.http.host=$HOST -Dquarkus.http.port=$PORT -jar quarkus-app/quarkus-run.jar",
        "rm -rf quarkus-app && cp -R target/quarkus-app .",
    ),
    "Quarkus in one jar": (
        pom(plugins=plugin("quarkus-maven-plugin", group="io.quarkus"), properties="<quarkus.package.jar.type>uber-jar</quarkus.package.jar.type>"),
        "-Dquarkus.http.host=$HOST -Dquarkus.http.port=$PORT -jar app.jar",
        "cp target/shop-1.0-runner.jar app.jar",
    ),
    "Micronaut": (
        pom(plugins=plugin("micronaut-maven-plugin", group="io.micronaut.maven"), dependencies=dependency("io.micronaut"),
            parent="<parent><groupId>io.micronaut.platform</groupId><artifactId>micronaut-parent</artifactId><version>4</version></parent>",
            properties="<exec.mainClass>shop.Api</exec.mainClass>"),
        "-Dmicronaut.server.host=$HOST -Dmicronaut.server.port=$PORT -cp app.jar shop.Api",
        "cp target/shop-1.0.jar app.jar",
    ),
    "Thorntail": (
        pom(plugins=plugin("thorntail-maven-plugin", group="io.thorntail")),
        "-Dthorntail.bind.address=$HOST -Dthorntail.http.port=$PORT -jar app.jar",
        "cp target/shop-1.0-thorntail.jar app.jar",
    ),
    "WildFly Swarm": (
        pom(plugins=plugin("wildfly-swarm-plugin", group="org.wildfly.swarm")),
        "-Dswarm.bind.address=$HOST -Dswarm.http.port=$PORT -jar app.jar",
        "cp target/shop-1.0-swarm.jar app.jar",
    ),
    "shaded": (
        pom(plugins=plugin("maven-shade-plugin", "<finalName>all</finalName><transformers><transformer><mainClass>a.B</mainClass></transformer></transformers>")),
        "-cp app.jar a.B",
        "cp target/all.jar app.jar",
    ),
    "assembled": (
        pom(plugins=plugin("maven-assembly-plugin", "<descriptorRefs><descriptorRef>jar-with-dependencies</descriptorRef></descriptorRefs>")),
        "-cp app.jar shop.App",
        "cp target/shop-1.0-jar-with-dependencies.jar app.jar",
    ),
    "a plain jar": (pom(), "-cp app.jar shop.App", "cp target/shop-1.0.jar app.jar"),
    "a plain jar with libraries": (
        pom(dependencies=dependency("io.javalin")),
        '-cp "app.jar:lib/*" shop.App',
        "cp target/shop-1.0.jar app.jar && rm -rf lib && cp -R target/dependency lib",
    ),
    "libraries for tests only": (pom(dependencies=dependency("junit", scope="test")), "-cp app.jar shop.App", "cp target/shop-1.0.jar app.jar"),
    "a manifest with a main class": (
        pom(plugins=plugin("maven-jar-plugin", "<archive><manifest><mainClass>${start}</mainClass></manifest></archive>"), properties="<start>x.Y</start>"),
        "-cp app.jar x.Y",
        "cp target/shop-1.0.jar app.jar",
    ),
    "a name of its own": (
        pom(more="").replace("<build>", "<build><finalName>${project.artifactId}</finalName>"), "-cp app.jar shop.App", "cp target/shop.jar app.jar",
    ),
    "Ktor's own main class": (
        pom(properties="<main.class>io.ktor.server.netty.EngineMain</main.class>", dependencies=dependency("io.ktor")),
        '-cp "app.jar:lib/*" io.ktor.server.netty.EngineMain -host=$HOST -port=$PORT',
        "cp target/shop-1.0.jar app.jar && rm -rf lib && cp -R target/dependency lib",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "start", "collect"), MAVEN.values(), ids=MAVEN)
def test_a_maven_project_is_packed_and_started(text: str, start: str, collect: str) -> None:
    plan = java({"pom.xml": text, **MAIN})
    assert plan.services[0].start == START.format(start)
    assert plan.steps[-1].commands == (collect,)
    assert plan.steps[-2].commands[0].startswith("mvn --batch-mode --no-transfer-progress -DskipTests package")


def test_a_name_that_depends_on_something_elsewhere_is_looked_for_and_must_be_the_only_one() -> None:
    text = pom().replace("<version>1.0</version>", "<version>${revision}</version>")
    command = java({"pom.xml": text, **MAIN}).steps[-1].commands[0]
    assert command.startswith("cp $(find target -maxdepth 1 -name '*.jar' ! -name '*-plain.jar'")
    assert (
        "cp target/shop-2.jar"
        in java({"pom.xml": text.replace("</properties>", "<revision>2</revision></properties>"), **MAIN}).steps[-1].commands[0]
    )


def test_a_library_has_no_start_command() -> None:
    with pytest.raises(NoStartCommandError, match="java project"):
        java({"pom.xml": pom(), "src/main/java/A.java": "class A {}", "src/test/java/T.java": MAIN["src/main/java/shop/App.java"]})


MODULES = {
    "pom.xml": pom(name="all", more="<packaging>pom</packaging><modules><module>core</module><module>web</module></modules>", properties="<java.version>17</java.version>"),
    "core/pom.xml": pom(name="core", parent="<parent><artifactId>all</artifactId><groupId>g</groupId><version>1.0</version></parent>"),
    "core/src/main/java/C.java": "class C {}",
    "web/pom.xml": pom(name="shop-web", plugins=BOOT, parent="<parent><artifactId>all</artifactId><groupId>g</groupId><version>1.0</version></parent>",
                       dependencies=dependency("g", "core")),
    "web/src/main/kotlin/App.kt": "package shop\n\nfun main(args: Array<String>) {}\n",
}  # fmt: skip


def test_the_module_that_can_be_started_is_built_with_those_it_needs() -> None:
    plan = java(MODULES)
    assert plan.steps[0].inputs == ("pom.xml", "core/pom.xml", "web/pom.xml")
    assert " --projects web --also-make package " in plan.steps[1].commands[0]
    assert plan.services[0].start == START.format(f'{ON_SPRING} -cp "app.jar:lib/*" shop.AppKt')
    assert (plan.origins["start"].source, plan.origins["version"].value) == ("shop.AppKt in web/pom.xml", "17")


def test_several_modules_are_explained_and_can_be_chosen() -> None:
    files = {**MODULES, "core/src/main/java/C.java": "public class C { public static void main(String[] a) {} }"}
    plan = java(files)
    assert [one.code for one in plan.warnings] == ["SEVERAL_COMMANDS"]
    assert [one.source for one in plan.origins["start"].beat] == ["shop.AppKt in web/pom.xml"]
    assert java(files, RW_BUILD_JAVA_MODULE="web").services[0].start.endswith("shop.AppKt")
    assert java(files, RW_BUILD_JAVA_MODULE="shop-web").warnings == ()


def test_a_wrapper_is_used_and_needs_no_right_to_run() -> None:
    plan = java({"pom.xml": pom(), **MAIN, **MVNW})
    assert plan.steps[1].commands[0] == "MAVEN_CONFIG= sh mvnw --batch-mode --no-transfer-progress -DskipTests package"
    assert (plan.steps[0].inputs, plan.tools) == (("pom.xml", "mvnw", ".mvn/"), {"java": ""})


def test_an_old_wrapper_gets_no_option_that_it_does_not_know() -> None:
    old = {".mvn/wrapper/maven-wrapper.properties": "distributionUrl=https://x/apache-maven-3.5.4-bin.zip"}
    assert "--no-transfer-progress" not in java({"pom.xml": pom(), **MAIN, **MVNW, **old}).steps[1].commands[0]


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"mvnw": "#!/bin/sh\n"}, "mvnw is not used: .mvn/wrapper/maven-wrapper.properties is not there."),
        ({**MVNW, "mvnw": "#!/bin/sh\r\n"}, "mvnw is not used: its lines end as on Windows."),
    ],
)
def test_a_wrapper_that_would_not_run_is_not_used(files: dict[str, str], words: str) -> None:
    plan = java({"pom.xml": pom(), **MAIN, **files})
    assert ([one.message for one in plan.warnings], plan.tools) == ([words], {"java": "", "mvn": ""})


def test_a_project_that_takes_jars_out_of_its_tree_installs_nothing_ahead() -> None:
    local = "<dependency><groupId>a</groupId><artifactId>b</artifactId><scope>system</scope><systemPath>${project.basedir}/b.jar</systemPath></dependency>"
    assert [step.name for step in java({"pom.xml": pom(dependencies=local), **MAIN}).steps] == ["build", "collect"]


# --- versions

VERSIONS: dict[str, tuple[dict[str, str], dict[str, str], str, str]] = {
    "nothing said": ({}, {}, "21", "default"),
    "release": ({"pom.xml": pom(properties="<maven.compiler.release>17</maven.compiler.release>")}, {}, "17", "maven.compiler.release in pom.xml"),
    "of old": ({"pom.xml": pom(properties="<maven.compiler.source>1.8</maven.compiler.source>")}, {}, "8", "maven.compiler.source in pom.xml"),
    "one without an image": ({"pom.xml": pom(properties="<java.version>20</java.version>")}, {}, "21", "java.version in pom.xml"),
    "the compiler's": ({"pom.xml": pom(plugins=plugin("maven-compiler-plugin", "<release>${j}</release>"), properties="<j>11</j>")}, {}, "11",
                       "release of maven-compiler-plugin in pom.xml"),
    "a toolchain's range": ({"pom.xml": pom(plugins=plugin("maven-toolchains-plugin", "<toolchains><jdk><version>[17,18)</version></jdk></toolchains>"))}, {}, "17",
                            "the toolchain in pom.xml"),
    "the least that builds": ({"pom.xml": pom(plugins=plugin("maven-enforcer-plugin", "<rules><requireJavaVersion><version>17</version></requireJavaVersion></rules>"),
                                              properties="<java.version>17</java.version>")}, {}, "21", "requireJavaVersion in pom.xml"),
    "what Spring Boot 2 runs on": ({"pom.xml": pom(parent=SPRING_PARENT.replace("3.2.0", "2.6.1"))}, {}, "17", "Spring Boot 2.6.1 in pom.xml"),
    ".java-version": ({".java-version": "temurin-17.0.9\n"}, {}, "17", ".java-version"),
    ".sdkmanrc": ({".sdkmanrc": "# x\njava=21.0.2-tem\n"}, {}, "21", ".sdkmanrc"),
    "system.properties": ({"system.properties": "java.runtime.version=11\n"}, {}, "11", "system.properties"),
    ".tool-versions": ({".tool-versions": "java temurin-25.0.1+8\n"}, {}, "25", ".tool-versions"),
    "asked for": ({".java-version": "17"}, {"NIXPACKS_JDK_VERSION": "11", "RAILPACK_JDK_VERSION": "8"}, "11", "NIXPACKS_JDK_VERSION"),
    "asked for by rw": ({}, {"NIXPACKS_JDK_VERSION": "11", "RW_BUILD_JDK_VERSION": "25"}, "25", "RW_BUILD_JDK_VERSION"),
}  # fmt: skip


@pytest.mark.parametrize(("files", "variables", "version", "place"), VERSIONS.values(), ids=VERSIONS)
def test_the_version_is_found(files: dict[str, str], variables: dict[str, str], version: str, place: str) -> None:
    plan = java({"pom.xml": pom(), **MAIN, **files}, **variables)
    assert (plan.bases.build, plan.bases.run) == (f"maven:3.9-eclipse-temurin-{version}", f"eclipse-temurin:{version}-jre")
    assert plan.origins["version"].source == place


def test_code_for_an_older_java_is_no_contradiction() -> None:
    files = {"pom.xml": pom(properties="<java.version>{}</java.version>"), ".java-version": "17", **MAIN}
    assert java({**files, "pom.xml": files["pom.xml"].format(11)}).warnings == ()
    assert [one.code for one in java({**files, "pom.xml": files["pom.xml"].format(21)}).warnings] == ["VERSIONS_DISAGREE"]


# --- a start command of the user's own


def test_what_a_written_command_names_is_in_the_image() -> None:
    plan = java(
        {"pom.xml": pom(), **MAIN, "Procfile": "web: java -jar target/shop-1.0.jar\nworker: java -cp ./target/classes:target/x/*.jar W"}
    )
    assert plan.keep == ("app.jar", "target/classes", "target/shop-1.0.jar", "target/x")


def test_a_written_command_that_calls_the_build_tool_runs_where_it_is() -> None:
    plan = java({"build.gradle": "plugins { id 'java' }", **MAIN, "Procfile": "web: gradle -v && java $JAVA_OPTS -jar build/libs/*.jar"})
    assert (plan.bases.run, plan.keep) == ("gradle:8-jdk21", (".",))


# --- Gradle


def wrapper(version: str) -> dict[str, str]:
    return {
        "gradlew": "#!/bin/sh\n",
        "gradle/wrapper/gradle-wrapper.jar": "",
        "gradle/wrapper/gradle-wrapper.properties": f"distributionUrl=https\\://x/gradle-{version}-bin.zip\n",
    }


ONLY = "cp $(find build/libs -maxdepth 1 -name '{}' ! -name '*-plain.jar' ! -name '*-sources.jar' ! -name '*-javadoc.jar' ! -name '*-tests.jar' ! -name 'original-*') app.jar"
GRADLE: dict[str, tuple[dict[str, str], str, str, str]] = {
    "Spring Boot": (
        {"build.gradle": "plugins {\n  id 'java'\n  id 'org.springframework.boot' version '3.2.0'\n}"}, "bootJar", f"{ON_SPRING} -jar app.jar", ONLY.format("*.jar"),
    ),
    "Spring Boot as of old": (
        {"build.gradle": "apply plugin: 'java'\napply plugin: 'org.springframework.boot'"}, "bootJar", f"{ON_SPRING} -jar app.jar", ONLY.format("*.jar"),
    ),
    "Spring Boot by a catalog": (
        {"build.gradle.kts": "plugins {\n  java\n  alias(libs.plugins.spring.boot)\n}", "gradle/libs.versions.toml": '[plugins]\nspring-boot = { id = "org.springframework.boot", version = "3" }'},
        "bootJar", f"{ON_SPRING} -jar app.jar", ONLY.format("*.jar"),
    ),
    "Quarkus": (
        {"build.gradle": "plugins { id 'io.quarkus' }"}, "quarkusBuild", "-Dquarkus.http.host=$HOST -Dquarkus.http.port=$PORT -jar quarkus-app/quarkus-run.jar",
        "rm -rf quarkus-app && cp -R build/quarkus-app .",
    ),
    "Shadow": (
        {"build.gradle": "plugins {\n id 'java'\n id 'com.gradleup.shadow' version '8'\n}"}, "shadowJar", "-cp app.jar shop.App", ONLY.format("*-all.jar"),
    ),
    "Ktor": (
        {"build.gradle.kts": 'plugins {\n kotlin("jvm") version "2"\n id("io.ktor.plugin") version "3"\n}\napplication { mainClass = "io.ktor.server.netty.EngineMain" }'},
        "buildFatJar", "-cp app.jar io.ktor.server.netty.EngineMain -host=$HOST -port=$PORT", ONLY.format("*-all.jar"),
    ),
    "application": (
        {"build.gradle": "plugins {\n  id 'application'\n}\n// mainClass = 'not.This'\nmainClassName = 'a.B'", "settings.gradle": "rootProject.name = 'shop'"},
        "installDist", '-cp "dist/lib/*" a.B', "rm -rf dist && cp -R build/install/shop dist",
    ),
    "Micronaut": (
        {"build.gradle": "plugins {\n  id('io.micronaut.application') version '4'\n}\napplication { mainClass.set('a.B') }\ndependencies { implementation 'io.micronaut:micronaut-x:1' }"},
        "installDist", '-Dmicronaut.server.host=$HOST -Dmicronaut.server.port=$PORT -cp "dist/lib/*" a.B', "rm -rf dist && cp -R build/install/app dist",
    ),
    "a manifest": (
        {"build.gradle": "plugins {\n  id 'java'\n}\njar { manifest { attributes 'Main-Class': 'a.B' } }"}, "jar", "-jar app.jar", ONLY.format("*.jar"),
    ),
    "a main function": ({"build.gradle.kts": "plugins {\n  java\n}"}, "jar", "-cp app.jar shop.App", ONLY.format("*.jar")),
}  # fmt: skip


@pytest.mark.parametrize(("files", "task", "start", "collect"), GRADLE.values(), ids=GRADLE)
def test_a_gradle_project_is_packed_and_started(files: dict[str, str], task: str, start: str, collect: str) -> None:
    plan = java({**files, **MAIN})
    assert plan.steps[1].commands == (f"gradle --no-daemon --console=plain {task}",)
    assert plan.services[0].start == START.format(start)
    assert plan.steps[2].commands == (collect,)
    assert (plan.bases.build, plan.bases.run) == ("gradle:8-jdk21", "eclipse-temurin:21-jre")


def test_what_only_the_start_script_knows_makes_it_the_start_command() -> None:
    text = "plugins { id 'application' }\napplication {\n mainClass = 'a.B'\n applicationDefaultJvmArgs = ['-Dx=1']\n}"
    assert (
        java({"build.gradle": text.replace("{ id 'application' }", "{\nid 'application'\n}"), **MAIN}).services[0].start == "./dist/bin/app"
    )


GRADLE_MODULES = {
    "settings.gradle.kts": 'rootProject.name = "all"\ninclude("core", ":apps:web") // include("gone")\n',
    "build.gradle.kts": 'plugins {\n  id("org.springframework.boot") version "3.2.0" apply false\n}\nsubprojects {\n  apply(plugin = "java")\n}\n',
    "core/build.gradle.kts": "",
    "apps/web/build.gradle.kts": 'plugins { id("org.springframework.boot") }\njava { toolchain { languageVersion = JavaLanguageVersion.of(17) } }\n',
    "apps/web/src/main/kotlin/App.kt": "package shop\nfun main() {}\n",
    **wrapper("8.7"),
}


def test_the_project_that_can_be_started_is_built() -> None:
    plan = java(GRADLE_MODULES)
    assert [step.commands[0] for step in plan.steps[:2]] == [
        "sh gradlew --no-daemon --console=plain :apps:web:dependencies",
        "sh gradlew --no-daemon --console=plain :apps:web:bootJar",
    ]
    assert plan.steps[0].inputs == (
        "apps/web/build.gradle.kts", "build.gradle.kts", "core/build.gradle.kts", "settings.gradle.kts", "gradlew", "gradle/",
    )  # fmt: skip
    assert (plan.bases.build, plan.origins["version"].source) == ("eclipse-temurin:17-jdk", "the toolchain in apps/web/build.gradle.kts")


def test_libraries_that_nothing_packs_are_told() -> None:
    text = "plugins {\n id 'java'\n}\ndependencies {\n implementation 'io.javalin:javalin:6'\n}\n"
    assert [one.code for one in java({"build.gradle": text, **MAIN}).warnings] == ["LIBRARIES_NOT_PACKED"]
    assert java({"build.gradle": text + "jar { from configurations.runtimeClasspath }", **MAIN}).warnings == ()


def test_a_module_that_is_asked_for_and_not_there_is_an_error() -> None:
    with pytest.raises(ConfigInvalidError, match="no module that can be started is called 'core'") as caught:
        java(GRADLE_MODULES, RW_BUILD_JAVA_MODULE="core")
    assert caught.value.hint == "There are: :apps:web."


def test_a_plugin_of_the_builds_own_is_read() -> None:
    files = {
        "settings.gradle": "include 'app'",
        "buildSrc/src/main/groovy/house.java-application.gradle": "plugins {\n  id 'application'\n}",
        "app/build.gradle": "plugins {\n id 'house.java-application'\n}\napplication { mainClass = 'a.B' }",
    }
    assert java(files).services[0].start == START.format('-cp "dist/lib/*" a.B')


@pytest.mark.parametrize(
    ("version", "script", "wanted"),
    [
        ("8.2.1", "", "17"), ("7.5", "", "17"), ("6.7.1", "", "11"), ("8.3", "", "17"), ("8.7", "", "21"), ("4.10", "", "8"),
        ("7.5", "sourceCompatibility = '1.8'", "8"), ("7.5", "sourceCompatibility = JavaVersion.VERSION_11", "11"), ("9.1", "sourceCompatibility = 11", "21"),
        ("8.7", "kotlin { jvmToolchain(17) }", "17"), ("8.7", "// jvmToolchain(17)", "21"), ("8.7", "tasks.withType(JavaCompile) { options.release = 11 }", "11"),
    ],
)  # fmt: skip
def test_gradle_gets_a_java_that_it_runs_on(version: str, script: str, wanted: str) -> None:
    plan = java({"build.gradle": f"plugins {{\n id 'java'\n}}\n{script}\n", **MAIN, **wrapper(version)})
    assert (plan.version, plan.warnings) == (wanted, ())


@pytest.mark.parametrize(
    ("files", "variables", "image"),
    [
        ({}, {}, "gradle:8-jdk21"),
        ({".java-version": "25"}, {}, "gradle:9-jdk25"),
        ({}, {"NIXPACKS_GRADLE_VERSION": "7.5", "NIXPACKS_JDK_VERSION": "17"}, "gradle:7-jdk17"),
    ],
)
def test_without_a_wrapper_gradle_comes_with_its_image(files: dict[str, str], variables: dict[str, str], image: str) -> None:
    assert java({"build.gradle": "plugins {\n id 'java'\n}", **MAIN, **files}, **variables).bases.build == image


def test_a_gradle_that_is_too_old_for_its_toolchain_is_told() -> None:
    plan = java(
        {"build.gradle": "plugins {\n id 'java'\n}\njava.toolchain.languageVersion = JavaLanguageVersion.of(21)", **MAIN, **wrapper("7.5")}
    )
    assert [one.code for one in plan.warnings] == ["VERSIONS_DISAGREE", "GRADLE_TOO_OLD"]


def test_a_wrapper_without_its_jar_is_not_used() -> None:
    files = {"build.gradle": "plugins {\n id 'java'\n}", **MAIN, **wrapper("7.5")}
    del files["gradle/wrapper/gradle-wrapper.jar"]
    plan = java(files)
    assert (plan.bases.build, [one.code for one in plan.warnings]) == ("gradle:7-jdk17", ["WRAPPER_UNUSABLE"])


def test_comments_and_braces_in_quotes_mean_nothing() -> None:
    text = without_comments("a { b = '}' /* } */ // }\n c = \"http://x\" }\nd")
    assert block(text, "a").split() == ["b", "=", "'}'", "c", "=", '"http://x"']


# --- bad input


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("<project>", "is not valid XML"),
        ("", "is not valid XML"),
        ('<!DOCTYPE p [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><project>&b;</project>', "declares a document type"),
        ('<!DOCTYPE p [<!ENTITY x SYSTEM "file:///etc/hostname">]><project>&x;</project>', "declares a document type"),
        ('<?xml version="1.0" encoding="nonsense"?><project/>', "encoding"),
    ],
)
def test_a_pom_that_cannot_be_read_is_an_error_of_the_users(text: str, words: str) -> None:
    with pytest.raises(ConfigInvalidError, match=words):
        java({"pom.xml": text})


@pytest.mark.parametrize(
    "text",
    [
        pom(properties="<a>${b}</a><b>${a}</b>").replace("<version>1.0", "<version>${a}"),
        pom(parent="<parent><relativePath>pom.xml</relativePath></parent>"),
        pom(more="<modules><module>.</module><module>../..</module><module/></modules>"),
        "<project><a>" + "<b>" * 3000 + "</b>" * 3000 + "</a></project>",
    ],
    ids=["properties in a circle", "its own parent", "modules that are none", "deep"],
)
def test_a_pom_that_leads_nowhere_is_planned(text: str) -> None:
    assert JavaBuildpack().plan(Request(Source({"pom.xml": text, **MAIN}))).buildpack == "java"


@settings(max_examples=150)
@given(st.binary(max_size=60) | st.sampled_from(sorted(text for text, _, _ in MAVEN.values())).flatmap(
    lambda text: st.tuples(st.integers(0, len(text)), st.text(max_size=4)).map(lambda cut: (text[: cut[0]] + cut[1] + text[cut[0] :]).encode())
))  # fmt: skip
def test_any_bytes_are_a_pom_or_an_error_of_the_users(data: bytes) -> None:
    with suppress(ConfigInvalidError):
        parse("pom.xml", data)
        JavaBuildpack().plan(Request(Source({"pom.xml": data, "src/main/java/A.java": b""})))


@settings(max_examples=150)
@given(st.text(alphabet="{}()'\"/*\n:= adegilnpu.0129", max_size=60), st.text(max_size=30))
def test_any_text_is_a_gradle_script(script: str, properties: str) -> None:
    source = Source(
        {
            "build.gradle": f"plugins {{ {script}",
            "settings.gradle": f"include {script}",
            "gradle/wrapper/gradle-wrapper.properties": f"gradle-{properties}",
        }
    )
    assert Build(source).projects[0].path == ""
    JavaBuildpack().plan(Request(source))


@pytest.mark.parametrize(
    ("name", "files"),
    [("java-maven", {"pom.xml": pom(plugins=BOOT, parent=SPRING_PARENT), **MAIN, **MVNW}), ("java-gradle", GRADLE_MODULES)],
)
def test_the_dockerfile_is_what_was_decided(name: str, files: dict[str, str]) -> None:
    text = render(java(files), portable=True)
    assert text == pinned(PINS / f"{name}.Dockerfile", text)
