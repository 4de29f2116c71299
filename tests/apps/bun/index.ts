import ms from "ms";

const server = Bun.serve({
  fetch(request: Request): Response {
    const { pathname } = new URL(request.url);
    return new Response(`hello from bun, ${ms(120_000)}, ${pathname}`);
  },
});
console.log(`listening on port ${server.port}`);
