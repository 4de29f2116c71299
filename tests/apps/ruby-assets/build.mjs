import { writeFileSync } from "node:fs";

writeFileSync("app.css", `/* built by node ${process.versions.node.split(".")[0]} */\n`);
