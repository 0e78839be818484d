// SPDX-License-Identifier: Apache-2.0
// Given to Node's cluster workers, and to Node programs on sockets that pmd holds, with --require: a server that is being closed loses no request on a connection that is
// kept alive. Node itself drops idle connections at close(), while the client's next request may be on its way; here
// each ends with its next answer, which says so (Connection: close), or by keepAliveTimeout. HTTP/2 sessions end in the same way: their next
// request is their last (GOAWAY), and is answered.
// Workers are told to close their servers by Node's own protocol; the others by a message of pmd's, to which they answer when
// the last connection has ended.
'use strict';

const net = require('net');
const cluster = require('cluster');
const events = ['request', 'checkContinue', 'checkExpectation'];
const longestIdle = 5000; // ms, of a HTTP/2 session; as Node's keepAliveTimeout is
// Before the request is answered, as the client may go on with the answer. With Node before 18 the request would be lost.
const endsAtOnce = parseInt(process.versions.node, 10) >= 18;
const undo = Symbol('pmd: undo');
const known = new WeakSet();
const serving = new Set(); // those that listen, where pmd wants to know
let announced = false;

function lastAnswer(request, response) {
  response.shouldKeepAlive = false;
}

// At once would be too early for a request that is on its way: the client could begin it again elsewhere, but not each does.
function endSession(session, streams) {
  const end = () => attempt(() => session.destroyed || session.close());
  if (streams.size > 0) return end();
  session.prependOnceListener('stream', endsAtOnce ? end : () => setImmediate(end));
  setTimeout(end, longestIdle).unref();
}

// Node 24 and later close the sessions themselves, at once.
function withoutSessions(server, work) {
  const own = Object.getOwnPropertySymbols(server).find((symbol) => symbol.description === 'sessions');
  const sessions = own && server[own];
  if (sessions) server[own] = new Set();
  try {
    return work();
  } finally {
    if (sessions) server[own] = sessions;
  }
}

function drain(server, sessions) {
  for (const [session, streams] of sessions) endSession(session, streams);
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
  const sessions = new Map(); // and their streams
  server.on('session', (session) => {
    const streams = new Set();
    sessions.set(session, streams);
    session.prependListener('stream', (stream) => {
      streams.add(stream);
      stream.once('close', () => streams.delete(stream));
    });
    session.once('close', () => sessions.delete(session));
    if (!server.listening) endSession(session, streams); // it was accepted before
  });
  const close = server.close;
  server.close = function (...args) {
    attempt(() => drain(this, sessions));
    return withoutSessions(this, () => close.apply(this, args));
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
