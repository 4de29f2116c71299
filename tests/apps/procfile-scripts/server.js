require("http").createServer((_, answer) => answer.end("started by a script")).listen(process.env.PORT);
