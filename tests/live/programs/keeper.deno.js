// A TLS client that keeps its connections, for Deno: PORT CONNECTIONS. Connects at the first line of
// input; for each line, COUNT, it asks that often over each connection and says `asked`.
const [port, count] = Deno.args.map(Number);
const connections = [];
const request = new TextEncoder().encode('GET /page HTTP/1.1\r\nHost: localhost\r\n\r\n');
const buffer = new Uint8Array(65536);

async function ask(connection) {
  for (let at = 0; at < request.length; ) {
    at += await connection.write(request.subarray(at));
  }
  let answer = '';
  while (!answer.endsWith('a page\n')) {
    answer += new TextDecoder().decode(buffer.subarray(0, await connection.read(buffer)));
  }
}

let lines = '';
for await (const piece of Deno.stdin.readable) {
  lines += new TextDecoder().decode(piece);
  while (lines.includes('\n')) {
    const times = Number(lines.slice(0, lines.indexOf('\n')));
    lines = lines.slice(lines.indexOf('\n') + 1);
    while (connections.length < count) {
      connections.push(await Deno.connectTls({ hostname: 'localhost', port }));
    }
    for (let n = 0; n < times; n += 1) {
      for (const connection of connections) {
        await ask(connection);
      }
    }
    console.log('asked');
  }
}
connections.forEach((connection) => connection.close());
