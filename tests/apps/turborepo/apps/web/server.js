const { createServer } = require("node:http");

const server = createServer((request, response) => response.end(require("@demo/greeting")()));
server.listen(process.env.PORT, process.env.HOST);
process.on("SIGTERM", () => server.close(() => process.exit(0)));
