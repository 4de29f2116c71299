# dotnet 9.0, ASP.NET; planned by rw

# --- what builds
FROM mcr.microsoft.com/dotnet/sdk:9.0 AS build
ENV ASPNETCORE_ENVIRONMENT=Production \
    DOTNET_CLI_TELEMETRY_OPTOUT=1 \
    DOTNET_NOLOGO=1
WORKDIR /app

# install
COPY shop.csproj ./
RUN --mount=type=cache,id=rw-nuget,target=/root/.nuget/packages,sharing=locked dotnet restore shop.csproj

# build
COPY . ./
RUN --mount=type=cache,id=rw-nuget,target=/root/.nuget/packages,sharing=locked --mount=type=secret,id=variables,target=/run/rw/variables if [ -f /run/rw/variables ]; then set -a; . /run/rw/variables; set +a; fi; dotnet publish shop.csproj --configuration Release --output out

# --- what runs
FROM mcr.microsoft.com/dotnet/aspnet:9.0
ENV ASPNETCORE_ENVIRONMENT=Production \
    DOTNET_CLI_TELEMETRY_OPTOUT=1 \
    DOTNET_NOLOGO=1
ENV HOME=/tmp
ENV HOST=0.0.0.0 PORT=8080
EXPOSE 8080
WORKDIR /app
RUN chown 10001:10001 /app
COPY --from=build --chown=10001:10001 /app/out /app/out

USER 10001:10001
CMD ["/bin/sh", "-c", "cd out && exec env ASPNETCORE_URLS=http://$HOST:$PORT dotnet shop.dll"]
