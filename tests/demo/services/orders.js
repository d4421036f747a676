// The orders: an HTTP service in Node that keeps them in PostgreSQL.
// No packages: the extended query protocol is spoken by hand, with named prepared statements.
'use strict';
const http = require('http');
const net = require('net');

const [port, postgresPort] = process.argv.slice(2).map(Number);
const CONNECTIONS = 4;
const SLOW_SHARE = 0.08;
const FAILING_SHARE = 0.05;

const text = (value) => Buffer.concat([Buffer.from(String(value)), Buffer.alloc(1)]);
const int16 = (value) => { const b = Buffer.alloc(2); b.writeInt16BE(value); return b; };
const int32 = (value) => { const b = Buffer.alloc(4); b.writeInt32BE(value); return b; };
const message = (type, ...parts) => {
  const body = Buffer.concat(parts);
  return Buffer.concat([Buffer.from(type), int32(body.length + 4), body]);
};

// One connection. Questions wait in line; each is answered by rows or by an error.
class Postgres {
  constructor() {
    this.waiting = [];
    this.prepared = new Set();
    this.input = Buffer.alloc(0);
    this.rows = 0;
    this.error = null;
    this.socket = net.connect(postgresPort, '127.0.0.1');
    this.socket.setNoDelay(true);
    const startup = [int32(196608), text('user'), text('postgres'), text('database'),
      text('postgres'), text('application_name'), text('orders'), Buffer.alloc(1)];
    const body = Buffer.concat(startup);
    this.socket.write(Buffer.concat([int32(body.length + 4), body]));
    this.waiting.push(() => {});
    this.socket.on('data', (bytes) => this.read(bytes));
    this.socket.on('error', (error) => { console.error(error); process.exit(1); });
  }

  read(bytes) {
    this.input = Buffer.concat([this.input, bytes]);
    while (this.input.length >= 5) {
      const length = this.input.readInt32BE(1) + 1;
      if (this.input.length < length) return;
      const type = String.fromCharCode(this.input[0]);
      if (type === 'D') this.rows += 1;
      if (type === 'E') this.error = new Error(this.input.toString('latin1', 5, length));
      this.input = this.input.subarray(length);
      if (type === 'Z') {
        const done = this.waiting.shift();
        const [rows, error] = [this.rows, this.error];
        this.rows = 0;
        this.error = null;
        done(error, rows);
      }
    }
  }

  ask(name, sql, values, done) {
    const parts = [];
    if (!this.prepared.has(name)) {
      this.prepared.add(name);
      parts.push(message('P', text(name), text(sql), int16(0)));
    }
    const bound = values.map((value) => {
      const bytes = Buffer.from(String(value));
      return Buffer.concat([int32(bytes.length), bytes]);
    });
    parts.push(message('B', text(''), text(name), int16(0), int16(bound.length), ...bound,
      int16(0)));
    parts.push(message('E', text(''), int32(0)), message('S'));
    this.waiting.push(done);
    this.socket.write(Buffer.concat(parts));
  }
}

const pool = Array.from({ length: CONNECTIONS }, () => new Postgres());
let next = 0;
const ask = (...question) => pool[next++ % CONNECTIONS].ask(...question);

const SELECT = 'SELECT item, quantity FROM orders WHERE id = $1';
const SLOW = 'SELECT item, quantity, pg_sleep(0.12) FROM orders WHERE id = $1';
const INSERT = 'INSERT INTO orders (item, quantity) VALUES ($1, $2)';
// Violates a constraint of the table: an error that PostgreSQL reports itself.
const BROKEN_QUANTITY = -1;

function answer(response, status, body) {
  const bytes = Buffer.from(JSON.stringify(body));
  response.writeHead(status, {
    'Content-Type': 'application/json', 'Content-Length': bytes.length });
  response.end(bytes);
}

function read(request, response) {
  const id = Number(request.url.split('/').pop());
  const slow = Math.random() < SLOW_SHARE;
  ask(slow ? 'slow' : 'select', slow ? SLOW : SELECT, [id], (error, rows) => {
    if (error) return answer(response, 500, { error: 'database' });
    if (rows === 0) return answer(response, 404, { error: 'no such order' });
    return answer(response, 200, { order: id });
  });
}

function write(request, response) {
  request.resume();
  request.on('end', () => {
    const quantity = Math.random() < FAILING_SHARE ? BROKEN_QUANTITY : 1;
    ask('insert', INSERT, [Math.floor(Math.random() * 50), quantity], (error) => {
      answer(response, error ? 500 : 201, error ? { error: 'database' } : { created: true });
    });
  });
}

http.createServer((request, response) => {
  (request.method === 'POST' ? write : read)(request, response);
}).listen(port, '127.0.0.1');
