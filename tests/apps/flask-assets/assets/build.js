const { mkdirSync, writeFileSync } = require("node:fs");

mkdirSync("static", { recursive: true });
writeFileSync("static/app.js", `console.log("built by node ${process.versions.node.split(".")[0]}")\n`);
