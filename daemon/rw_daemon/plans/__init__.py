"""BuildPlan: what to do to turn sources into something that runs, as data; its check and its Dockerfile."""
