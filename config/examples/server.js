// SPDX-License-Identifier: Apache-2.0
// A web server that ends cleanly on SIGINT (pmd's kill_signal for Node apps) and answers with what pmd told it.
'use strict';
const http = require('http');

const port = Number(process.env.PORT || 18080);
const host = process.env.HOST || '127.0.0.1';

const server = http.createServer((request, response) => {
  console.log(`${request.method} ${request.url}`);
  response.setHeader('Content-Type', 'application/json');
  response.end(JSON.stringify({ app: process.env.PM_NAME || 'web', slot: process.env.NODE_APP_INSTANCE, pid: process.pid }) + '\n');
});

server.on('error', (error) => {
  console.error(`cannot listen on ${host}:${port}: ${error.message}`);
  process.exit(1);
});
server.listen(port, host, () => console.log(`listening on http://${host}:${port}/`));
process.on('SIGINT', () => server.close(() => process.exit(0)));
