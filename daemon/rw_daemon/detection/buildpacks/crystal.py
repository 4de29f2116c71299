"""Crystal: one program, with the libraries that Crystal's own standard library loads."""

from __future__ import annotations

from rw_daemon.detection import compiled
from rw_daemon.detection.buildpack import Request
from rw_daemon.detection.source import Source
from rw_daemon.detection.versions import Wanted, choose
from rw_daemon.plans.plan import Bases, BuildPlan, Cache, Packages, Step

MANIFEST, LOCK, VERSION_FILE = "shard.yml", "shard.lock", ".crystal-version"
SHARDS = Cache(id="crystal-shards", path="/root/.cache/shards", variable="SHARDS_CACHE_PATH")
COMPILER = Cache(id="crystal", path="/root/.cache/crystal", variable="CRYSTAL_CACHE_DIR")
LIBRARIES = ("ca-certificates", "libevent-2.1-7t64", "libgc1", "libgmp10", "libpcre2-8-0", "libssl3t64", "libxml2", "libyaml-0-2", "zlib1g")
LEFT_OUT = r"shard\.(?:yml|lock)$|shard\.override\.yml$|(?:lib|spec|bin)/"


class CrystalBuildpack:
    """Detects shard.yml."""

    name = "crystal"
    recognises = "Crystal: shard.yml"
    looked_for = ("targets in shard.yml",)
    programs = frozenset({"crystal", "shards"})

    def detect(self, source: Source) -> str | None:
        """Return the manifest."""
        return source.first(MANIFEST)

    def plan(self, request: Request) -> BuildPlan:
        """Describe packages from the manifest, and one of the targets."""
        source, manifest = request.source, request.source.yaml(MANIFEST)
        own = [Wanted(source.text(VERSION_FILE).strip(), VERSION_FILE)]
        said = Wanted(str(manifest.get("crystal", "")), f"crystal in {MANIFEST}")
        version = choose("crystal", source, own=own, manifests=[said], variables=request.variables)
        targets = manifest.get("targets")
        names = [str(name) for name in targets if compiled.program(name)] if isinstance(targets, dict) else []
        name = next((one for one in ("server", "web", "app", str(manifest.get("name"))) if one in names), next(iter(names), ""))
        frozen = " --frozen" if source.has(LOCK) else ""
        base = f"crystallang/crystal:{version.version}"
        plan = BuildPlan(
            buildpack=self.name,
            version=version.version,
            package_manager="shards",
            bases=Bases(build=base, run=compiled.RUN_BASE),
            steps=(
                Step(
                    name="install",
                    commands=(f"shards install --production{frozen}",),
                    inputs=tuple(path for path in (MANIFEST, LOCK) if source.has(path)),
                    caches=(SHARDS,),
                ),
                Step(
                    name="build",
                    commands=(f"shards build --production{frozen} --release {name}".rstrip(),),
                    inputs=(".",),
                    caches=(SHARDS, COMPILER),
                    variables=("*",),
                ),
            ),
            packages=Packages(runtime=LIBRARIES),
            tools={"crystal": version.allowed, "shards": ""},
            origins={"version": version.origin},
            warnings=version.notices,
        )
        path = f"bin/{name}" if name else ""
        return compiled.started(plan, source, path, place=f"targets in {MANIFEST}", code=(".cr",), left_out=LEFT_OUT)
