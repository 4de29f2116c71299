// what a build of TanStack Start leaves behind, in small: a handler, and files beside it
import { mkdirSync, writeFileSync } from "node:fs";

mkdirSync("dist/server", { recursive: true });
mkdirSync("dist/client", { recursive: true });
writeFileSync("dist/server/server.js", 'export default { fetch: () => new Response("served by a handler") };\n');
writeFileSync("dist/client/style.css", "/* a file beside it */\n");
