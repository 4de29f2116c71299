const express = require("express");

const app = express();
app.get("/", (request, response) => response.send("Hello from rw\n"));

const server = app.listen(process.env.PORT || 3000, () => console.log(`listening on ${server.address().port}`));
// open requests end before the process does
process.on("SIGTERM", () => server.close(() => process.exit(0)));
