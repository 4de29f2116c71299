const express = require("express");
const app = express();
app.get("/", (request, response) => response.send("hello from express\n"));
app.listen(process.env.PORT, () => console.log(`listening on ${process.env.PORT}`));
