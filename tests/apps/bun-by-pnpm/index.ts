Bun.serve({ port: process.env.PORT, hostname: process.env.HOST, fetch: () => new Response("run by Bun, installed by pnpm") });
