const { cpSync } = require("node:fs");

cpSync("server.js", "dist/server.js");
