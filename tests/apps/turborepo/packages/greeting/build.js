const { mkdirSync, writeFileSync } = require("node:fs");

mkdirSync("dist", { recursive: true });
writeFileSync("dist/index.js", 'module.exports = () => "hello from a package that turbo built first\\n";\n');
