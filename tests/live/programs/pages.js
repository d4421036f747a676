// Answers every request with a page; GET /count gives how many that were.
const http = require('http');

let count = 0;

const server = http.createServer((request, response) => {
  if (request.url === '/count') {
    response.end(String(count));
    return;
  }
  count += 1;
  response.end('a page\n');
});
server.keepAliveTimeout = 60000;
server.listen(Number(process.argv[2]), '127.0.0.1', 1024);
