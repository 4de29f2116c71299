const greeting = require("@demo/greeting");
const fastify = require("fastify")();
fastify.get("/", async () => greeting());
fastify.listen({ port: Number(process.env.PORT), host: process.env.HOST || "0.0.0.0" }).then((address) => console.log(address));
