// SPDX-License-Identifier: Apache-2.0
const http = require('http');

http.createServer((request, response) => response.end('hey')).listen(process.env.PORT || 8000);
