// SPDX-License-Identifier: Apache-2.0
// A plain web server that says when it is ready. On a socket of pmd's, if it was given one.
'use strict';
const http = require('http');
const where = process.env.LISTEN_FDS ? {fd: 3} : {port: Number(process.env.PORT), host: '127.0.0.1'};
http.createServer((request, response) => response.end('hey')).listen(where, () => process.send && process.send('ready'));
