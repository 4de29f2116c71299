"""What is kept."""

from django.db import models


class Visit(models.Model):
    """One visit of the home page."""

    at = models.DateTimeField(auto_now_add=True)
