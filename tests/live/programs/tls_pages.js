// Pages over TLS, for Node and Bun: tls_pages.js PORT CERT KEY.
const fs = require('fs');
const https = require('https');

const [port, cert, key] = process.argv.slice(2);
const secrets = { cert: fs.readFileSync(cert), key: fs.readFileSync(key) };
const server = https.createServer(secrets, (request, response) => {
  response.end('a page\n');
});
server.keepAliveTimeout = 60000;
server.listen(Number(port), '127.0.0.1');
