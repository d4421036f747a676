// Asks for pages over TLS, for Node and Bun: PORT VERSION CONNECTIONS EACH, once a line was read.
const https = require('https');

const [port, version, connections, each] = process.argv.slice(2);

function ask(agent, path) {
  return new Promise((resolve, reject) => {
    const options = {
      host: 'localhost', servername: 'localhost', port: Number(port), path, agent,
      rejectUnauthorized: false, minVersion: `TLSv${version}`, maxVersion: `TLSv${version}`,
    };
    https.get(options, (answer) => {
      answer.resume();
      answer.on('end', () => (answer.statusCode === 200 ? resolve() : reject(answer.statusCode)));
    }).on('error', reject);
  });
}

process.stdin.once('data', async () => {
  for (let n = 0; n < Number(connections); n += 1) {
    const agent = new https.Agent({ keepAlive: true, maxSockets: 1, maxCachedSessions: 0 });
    for (let request = 0; request < Number(each); request += 1) {
      await ask(agent, `/page/${request}`);
    }
    agent.destroy();
  }
  process.exit(0);
});
