const { execFileSync } = require("node:child_process");
const { createServer } = require("node:http");

const server = createServer((request, response) => response.end(execFileSync("python", ["warm.py"])));
server.listen(process.env.PORT, process.env.HOST);
process.on("SIGTERM", () => server.close(() => process.exit(0)));
