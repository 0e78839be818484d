// SPDX-License-Identifier: Apache-2.0
// Starts apps by PM2's programmatic API: node pm2-start.js PACKAGE APPS.json; prints {"begin":ns,"end":ns}.
'use strict';
const [, , directory, file] = process.argv;
const pm2 = require(directory);
const apps = JSON.parse(require('fs').readFileSync(file, 'utf8'));

pm2.connect((fault) => {
  if (fault) throw fault;
  const begin = process.hrtime.bigint();
  pm2.start(apps, (error) => {
    const end = process.hrtime.bigint();
    if (error) throw error;
    console.log(JSON.stringify({begin: String(begin), end: String(end)}));
    pm2.disconnect();
  });
});
