"""What the Scala and Clojure buildpacks make of source trees."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pins import pinned

from rw_daemon.detection import edn, registry
from rw_daemon.detection.buildpack import Request
from rw_daemon.detection.buildpacks.clojure import ClojureBuildpack
from rw_daemon.detection.source import Source
from rw_daemon.plans.dockerfile import render
from rw_daemon.plans.plan import BuildPlan
from rw_shared.errors import ConfigInvalidError, NoStartCommandError

PINS = Path(__file__).parent / "dockerfiles"
PACKAGER = {
    "project/plugins.sbt": '// addSbtPlugin("x" % "sbt-assembly" % "1")\naddSbtPlugin("com.github.sbt" % "sbt-native-packager" % "1.9.16")\n'
}
SBT = {
    "build.sbt": 'lazy val root = (project in file("."))\n  .settings(\n    name := "My Main", // a name\n  )\n',
    "src/main/scala/Main.scala": "",
    **PACKAGER,
}
LEIN = {
    "project.clj": '(defproject example/hello "0.1.0"\n  :dependencies [[org.clojure/clojure "1.11.1"]]\n  :main ^:skip-aot hello.core)\n',
    "src/hello/core.clj": "",
}
JAR = "java $JAVA_OPTS -jar app.jar"


def planned(files: dict[str, str], **variables: str) -> BuildPlan:
    return registry.plan(Request(Source(files), variables=variables))


@pytest.mark.parametrize(
    ("files", "build", "start"),
    [
        pytest.param(SBT, "sbt stage", "./stage/bin/my-main", id="packager"),
        pytest.param(
            {**SBT, "build.sbt": 'name := "a"\nexecutableScriptName := "B"'},
            "sbt stage",
            "./stage/bin/B",
            id="a script with a name of its own",
        ),
        pytest.param(
            {**SBT, "project/plugins.sbt": 'addSbtPlugin("org.playframework" % "sbt-plugin" % "3.0.0")'},
            "sbt stage",
            "./stage/bin/my-main -Dhttp.address=$HOST -Dhttp.port=$PORT -Dpidfile.path=/dev/null",
            id="Play",
        ),
        pytest.param(
            {**SBT, "project/assembly.sbt": 'addSbtPlugin("com.eed3si9n" % "sbt-assembly" % "2")', "project/plugins.sbt": ""},
            """sbt 'set assembly / assemblyOutputPath := file("app.jar")' assembly""",
            JAR,
            id="assembly",
        ),
    ],
)
def test_scala_is_built_by_the_plugin_that_packs_it(files: dict[str, str], build: str, start: str) -> None:
    plan = planned(files)
    assert (plan.steps[1].commands, plan.services[0].start) == ((build,), start)
    assert plan.steps[0].inputs == tuple(sorted({"build.sbt", *(path for path in files if path.startswith("project/"))}))
    assert plan.bases.run == "eclipse-temurin:21-jre"


def test_scala_that_nothing_packs_is_told_what_would() -> None:
    with pytest.raises(NoStartCommandError) as caught:
        planned({"build.sbt": 'name := "x"', "src/main/scala/Main.scala": ""})
    assert "sbt-native-packager" in caught.value.why


@pytest.mark.parametrize(
    ("said", "version", "place"),
    [
        ("", "21", "default"),
        ("sbt.version=1.10.7", "21", "default"),
        ("sbt.version = 1.6.2", "17", "sbt 1.6 in project/build.properties"),
        ("sbt.version=0.13.18", "8", "sbt 0.13 in project/build.properties"),
    ],
)
def test_sbt_gets_a_java_that_it_runs_on(said: str, version: str, place: str) -> None:
    plan = planned({**SBT, "project/build.properties": said})
    assert (plan.version, plan.origins["version"].source) == (version, place)


LEININGEN: dict[str, tuple[dict[str, str], str, str]] = {
    "uberjar": (LEIN, "lein uberjar", "cp $(find target -name hello-0.1.0-standalone.jar) app.jar"),
    "a name of its own": (
        {"project.clj": '(defproject x "1" :profiles {:uberjar {:main x :uberjar-name "all.jar"}})'},
        "lein uberjar",
        "cp $(find target -name all.jar) app.jar",
    ),
    "ring": (
        {"project.clj": '(defproject x "1" :plugins [[lein-ring "0.12"]] :ring {:handler x/app})'},
        "lein ring uberjar",
        "cp $(find target -name x-1-standalone.jar) app.jar",
    ),
    "a version that is worked out": (
        {"project.clj": "(defproject x ~(slurp \"VERSION\") :main x)"}, "lein uberjar", "cp $(find target -name 'x-*-standalone.jar') app.jar",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("files", "build", "collect"), LEININGEN.values(), ids=LEININGEN)
def test_leiningen_makes_one_jar(files: dict[str, str], build: str, collect: str) -> None:
    plan = planned(files)
    assert [step.commands for step in plan.steps] == [("lein deps",), (build,), (collect,)]
    assert (plan.services[0].start, plan.bases.build) == (JAR, "clojure:temurin-21-lein")


def test_tools_build_makes_one_jar() -> None:
    files = {"deps.edn": "{:deps {}}", "build.clj": "(ns build)\n(defn uber [_] nil)\n"}
    plan = planned(files)
    assert [step.commands[0] for step in plan.steps[:2]] == ["clojure -P && clojure -P -T:build", "clojure -T:build uber"]
    assert (plan.services[0].start, plan.bases.build) == (JAR, "clojure:temurin-21-tools-deps")
    assert [step.name for step in planned({**files, "deps.edn": '{:deps {a {:local/root "a"}}}'}).steps] == ["build", "collect"]


@pytest.mark.parametrize(("said", "version"), [("latest", "21"), ("11", "11"), ("1.8", "8")])
def test_the_jdk_is_read_where_clojure_projects_say_it(said: str, version: str) -> None:
    plan = planned({**LEIN, ".jdk-version": said})
    assert (plan.version, plan.bases.run, plan.origins["version"].source) == (version, f"eclipse-temurin:{version}-jre", ".jdk-version")


def test_a_jar_that_a_procfile_names_is_in_the_image() -> None:
    plan = planned({**LEIN, "Procfile": "web: java $JVM_OPTS -cp target/uberjar/hello.jar clojure.main -m hello.core"})
    assert plan.keep == ("app.jar", "target/uberjar/hello.jar")


def test_edn_is_read_as_data() -> None:
    (form,) = edn.read("x", '; a\n(a "b \\"c" #_(gone [1]) ^{:m 1} d #"re\\d" {:k [1, 2] :l #{x}} ~@e \\( #inst "f")')
    assert form == ["a", '"b "c', "d", '"red', {":k": ["1", "2"], ":l": ["x"]}, "e", "\\(", '"f']


@pytest.mark.parametrize("text", ["(a", "(a]", ")", '(a "b)', "(" * 5000])
def test_a_manifest_whose_brackets_do_not_fit_is_an_error_of_the_users(text: str) -> None:
    with pytest.raises(ConfigInvalidError, match=r"project\.clj"):
        planned({"project.clj": text})


@settings(max_examples=200)
@given(st.text(alphabet="()[]{}\"\\;#_^~@' :ab\n", max_size=40), st.text(max_size=20))
def test_any_text_is_edn_or_an_error_of_the_users(text: str, more: str) -> None:
    with suppress(ConfigInvalidError):
        ClojureBuildpack().plan(Request(Source({"project.clj": f'(defproject x "1" {text}{more})'})))


@pytest.mark.parametrize(
    ("name", "files"),
    [
        ("scala-sbt", SBT),
        ("clojure-lein", LEIN),
        ("clojure-tools-build", {"deps.edn": "{}", "build.clj": "(defn uber [_])", "resources/a": ""}),
    ],
)
def test_the_dockerfile_is_what_was_decided(name: str, files: dict[str, str]) -> None:
    text = render(planned(files), portable=True)
    assert text == pinned(PINS / f"{name}.Dockerfile", text)
