// Answers every request over TLS with a page.
const fs = require('fs');
const https = require('https');

const [, , certificate, key, port] = process.argv;
const files = { cert: fs.readFileSync(certificate), key: fs.readFileSync(key) };
const server = https.createServer(files, (request, response) => response.end('a page\n'));
server.keepAliveTimeout = 600000;
server.requestTimeout = 0;
server.listen(Number(port), '127.0.0.1', 1024);
