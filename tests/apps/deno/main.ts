import isOdd from "is-odd";

Deno.serve((): Response => new Response(`hello from deno, ${isOdd(3)}`));
