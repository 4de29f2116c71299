"""What a member offers to the others."""


def words():
    """Return the greeting."""
    return "hello from a member of a uv workspace"
