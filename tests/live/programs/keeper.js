// A TLS client that keeps its connections, for Node and Bun: PORT VERSION CONNECTIONS. Connects at
// the first line of input; for each line, COUNT, it asks that often over each connection and says
// `asked`.
const https = require('https');
const readline = require('readline');

const [port, version, connections] = process.argv.slice(2);
const agents = [];

function ask(agent) {
  return new Promise((resolve, reject) => {
    const options = {
      host: 'localhost', servername: 'localhost', port: Number(port), path: '/page', agent,
      rejectUnauthorized: false, minVersion: `TLSv${version}`, maxVersion: `TLSv${version}`,
    };
    https.get(options, (answer) => {
      answer.resume();
      answer.on('end', () => (answer.statusCode === 200 ? resolve() : reject(answer.statusCode)));
    }).on('error', reject);
  });
}

(async () => {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    while (agents.length < Number(connections)) {
      agents.push(new https.Agent({ keepAlive: true, maxSockets: 1, maxCachedSessions: 0 }));
    }
    for (let n = 0; n < Number(line); n += 1) {
      for (const agent of agents) {
        await ask(agent);
      }
    }
    console.log('asked');
  }
  process.exit(0);
})();
