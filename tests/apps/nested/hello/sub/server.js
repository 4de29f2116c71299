const { createServer } = require("node:http");

const server = createServer((request, response) => response.end("hello from two folders down\n"));
server.listen(process.env.PORT, process.env.HOST);
process.on("SIGTERM", () => server.close(() => process.exit(0)));
