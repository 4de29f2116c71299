# dotnet 8.0, ASP.NET; planned by rw

# --- what builds
FROM mcr.microsoft.com/dotnet/sdk:8.0 AS build
ENV ASPNETCORE_ENVIRONMENT=Production \
    DOTNET_CLI_TELEMETRY_OPTOUT=1 \
    DOTNET_NOLOGO=1
WORKDIR /app

# install
COPY Directory.Build.props shop.sln ./
COPY src/Api/Api.csproj ./src/Api/
COPY src/Core/Core.csproj ./src/Core/
COPY src/Jobs/Jobs.csproj ./src/Jobs/
COPY tests/Api.Tests/Api.Tests.csproj ./tests/Api.Tests/
RUN --mount=type=cache,id=rw-nuget,target=/root/.nuget/packages,sharing=locked dotnet restore src/Api/Api.csproj

# build
COPY . ./
RUN --mount=type=cache,id=rw-nuget,target=/root/.nuget/packages,sharing=locked --mount=type=secret,id=variables,target=/run/rw/variables if [ -f /run/rw/variables ]; then set -a; . /run/rw/variables; set +a; fi; dotnet publish src/Api/Api.csproj --configuration Release --output out

# --- what runs
FROM mcr.microsoft.com/dotnet/aspnet:8.0
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
CMD ["/bin/sh", "-c", "cd out && exec env ASPNETCORE_URLS=http://$HOST:$PORT dotnet Api.dll"]
