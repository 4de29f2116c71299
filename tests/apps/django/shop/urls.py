from django.http import HttpResponse
from django.urls import path
from items.models import Item

urlpatterns = [path("", lambda request: HttpResponse(f"items: {Item.objects.count()}\n"))]
