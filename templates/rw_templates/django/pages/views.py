"""Pages."""

from django.http import HttpRequest, HttpResponse

from pages.models import Visit


def home(request: HttpRequest) -> HttpResponse:
    """Say hello and count."""
    Visit.objects.create()
    return HttpResponse(f"Hello from rw, visit {Visit.objects.count()}\n")
