// SPDX-License-Identifier: Apache-2.0
// A web server on a socket that pmd holds (key listen): it is descriptor 3. Without pmd it opens a port of its own.
'use strict';
const http = require('http');

const held = Number(process.env.LISTEN_PID) === process.pid && Number(process.env.LISTEN_FDS) > 0;

const server = http.createServer((request, response) => {
  response.setHeader('Connection', 'close');
  response.end(JSON.stringify({ app: process.env.PM_NAME, slot: process.env.PM_INSTANCE, pid: process.pid }) + '\n');
});

server.on('error', (error) => {
  console.error(`cannot listen: ${error.message}`);
  process.exit(1);
});
server.listen(held ? { fd: 3 } : { host: '127.0.0.1', port: 18082 }, () => console.log('listening'));
// Takes no more connections, ends those it has: what comes meanwhile waits for the next process.
process.on('SIGINT', () => server.close(() => process.exit(0)));
