require("node:http").createServer((_, answer) => answer.end("built by moon")).listen(process.env.PORT, process.env.HOST);
process.on("SIGTERM", () => process.exit(0));
