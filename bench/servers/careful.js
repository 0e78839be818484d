// SPDX-License-Identifier: Apache-2.0
// A server that does all it can to be reloaded without a loss: says when it is ready; at SIGINT it accepts nothing more,
// answers what it has, ends each kept connection by its next answer, and goes. For PM2 (wait_ready), and on a socket that
// pmd holds, where nobody but the server itself could do that.
'use strict';
const http = require('http');
let closing = false;

const server = http.createServer((request, response) => {
  if (closing) response.setHeader('Connection', 'close');
  response.end('hey');
});
server.closeIdleConnections = () => {}; // close() would drop them while their next request may be on its way
server.listen(process.env.LISTEN_FDS ? {fd: 3} : {port: process.env.PORT, host: '127.0.0.1'}, () => process.send('ready'));
process.once('SIGINT', () => {
  closing = true;
  server.close(() => process.exit(0));
});
