// SPDX-License-Identifier: Apache-2.0
// Given to Node's cluster workers, and to Node programs on sockets that pmd holds, with --require: a server that is being closed loses no request on a connection that is
// kept alive. Node itself drops idle connections at close(), while the client's next request may be on its way; here
// each ends with its next answer, which says so (Connection: close), or by keepAliveTimeout. HTTP/2 sessions get a GOAWAY.
// Workers are told to close their servers by Node's own protocol; the others by a message of pmd's, to which they answer when
// the last connection has ended.
'use strict';

const net = require('net');
const cluster = require('cluster');
const events = ['request', 'checkContinue', 'checkExpectation'];
const undo = Symbol('pmd: undo');
const known = new WeakSet();
const serving = new Set(); // those that listen, where pmd wants to know
let announced = false;

function lastAnswer(request, response) {
  response.shouldKeepAlive = false;
}

function drain(server, sessions) {
  for (const session of sessions) session.close();
  const used = events.filter((event) => server.listenerCount(event) > 0);
  if (used.length === 0 || server[undo]) return;
  const closeIdle = Object.getOwnPropertyDescriptor(server, 'closeIdleConnections');
  for (const event of used) server.prependListener(event, lastAnswer);
  server.closeIdleConnections = () => {};
  server[undo] = () => { // it listens again
    for (const event of used) server.removeListener(event, lastAnswer);
    delete server.closeIdleConnections;
    if (closeIdle) Object.defineProperty(server, 'closeIdleConnections', closeIdle);
    delete server[undo];
  };
}

function watch(server) {
  if (server[undo]) server[undo]();
  if (known.has(server)) return;
  known.add(server);
  server.on('close', () => serving.delete(server));
  const sessions = new Set();
  server.on('session', (session) => {
    sessions.add(session);
    session.once('close', () => sessions.delete(session));
  });
  const close = server.close;
  server.close = function (...args) {
    attempt(() => drain(this, sessions));
    return close.apply(this, args);
  };
}

// Whatever a server is like: the app runs as it would without this file.
function attempt(work) {
  try {
    work();
  } catch (error) {
    // nothing to be done about it
  }
}

function tell(cmd) {
  if (process.connected) process.send({cmd}, () => {}); // pmd may be gone: that is no error of the app
}

function closeAll() {
  const open = [...serving].filter((server) => server.listening);
  let left = open.length + 1;
  const closed = () => --left === 0 && tell('NODE_PMD_DRAINED');
  for (const server of open) attempt(() => server.close(closed));
  closed();
}

function announce(server) {
  if (cluster.isWorker || !process.send) return;
  serving.add(server);
  if (announced) return;
  announced = true;
  process.on('internalMessage', (message) => message && message.cmd === 'NODE_PMD_DRAIN' && attempt(closeAll));
  tell('NODE_PMD_SERVES');
}

const listen = net.Server.prototype.listen;
net.Server.prototype.listen = function (...args) {
  attempt(() => {
    watch(this);
    announce(this);
  });
  return listen.apply(this, args);
};
