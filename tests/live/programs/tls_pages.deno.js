// Pages over TLS, for Deno: PORT CERT KEY.
const [port, cert, key] = Deno.args;
Deno.serve({
  port: Number(port),
  hostname: '127.0.0.1',
  cert: Deno.readTextFileSync(cert),
  key: Deno.readTextFileSync(key),
}, () => new Response('a page\n'));
