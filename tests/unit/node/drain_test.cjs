// SPDX-License-Identifier: Apache-2.0
// node drain_test.cjs PATH-OF-pmd-drain.cjs: what is on its way when an HTTP/2 server is closed is answered, and then its sessions end.
'use strict';

const assert = require('assert');
const http2 = require('http2');

const longestIdle = 5000;
const shortIdle = 1000;
const later = global.setTimeout;
global.setTimeout = (work, time, ...rest) => later(work, time === longestIdle ? shortIdle : time, ...rest);
require(process.argv[2]);

function serve(handler = (request, response) => response.end('hey')) {
  return new Promise((resolve) => {
    const server = http2.createServer(handler);
    server.listen(0, '127.0.0.1', () => resolve({server, url: `http://127.0.0.1:${server.address().port}`}));
  });
}

function connected(url) {
  return new Promise((resolve, reject) => {
    const client = http2.connect(url);
    client.once('error', reject);
    client.once('remoteSettings', () => resolve(client));
  });
}

function ask(client) {
  return new Promise((resolve, reject) => {
    let text = '';
    const request = client.request({':path': '/'});
    request.setEncoding('utf8');
    request.on('data', (data) => (text += data));
    request.on('end', () => (text === 'hey' ? resolve() : reject(new Error(`answered: '${text}'`))));
    request.on('error', reject);
  });
}

const tests = {
  async 'a request that comes with its connection'() {
    const {server, url} = await serve();
    const closed = new Promise((resolve) => server.once('session', () => server.close(resolve)));
    const client = http2.connect(url);
    client.on('error', () => {}); // its request tells
    await ask(client);
    await closed;
  },
  async 'a request that is on its way on an idle session'() {
    const {server, url} = await serve();
    const client = await connected(url);
    await ask(client);
    const closed = new Promise((resolve) => server.close(resolve));
    await ask(client);
    await closed;
  },
  async 'a request that is being answered, and after it the session ends at once'() {
    const {server, url} = await serve((request, response) => {
      const begun = Date.now();
      server.close(() => closed(Date.now() - begun));
      later(() => response.end('hey'), 10);
    });
    let closed;
    const took = new Promise((resolve) => (closed = resolve));
    const client = await connected(url);
    await ask(client);
    assert((await took) < shortIdle, 'it waited for another request');
  },
  async 'a session that nobody uses ends'() {
    const {server, url} = await serve();
    const client = await connected(url);
    const ended = new Promise((resolve) => client.once('close', resolve));
    await new Promise((resolve) => server.close(resolve));
    await ended;
  },
  async 'a session that begins when its server is closed already'() {
    const {server, url} = await serve();
    const closed = new Promise((resolve) => server.once('connection', () => server.close(resolve)));
    const client = http2.connect(url);
    client.on('error', () => {});
    await ask(client);
    await closed;
  },
};

(async () => {
  later(() => assert.fail('it takes too long'), 20_000).unref();
  for (const [name, test] of Object.entries(tests)) {
    await test();
    console.log(`ok ${name}`);
  }
})().catch((error) => {
  console.error(error);
  process.exit(1);
});
