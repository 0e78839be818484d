// SPDX-License-Identifier: Apache-2.0
// A Node server that knows of no manager: pmd's clusters run it as it is.
'use strict';
const http = require('http');

http.createServer((request, response) => response.end('hey')).listen(process.env.PORT, '127.0.0.1');
