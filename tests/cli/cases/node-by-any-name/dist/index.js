#!/usr/bin/env node
// tells its channel and its signal
process.on('SIGINT', () => { console.log('SIGINT'); process.exit(0); });
process.on('message', (message) => console.log('message', message));
console.log('ready', typeof process.send, process.execArgv.filter((word) => word === '--no-warnings').join());
setInterval(() => {}, 1e6);
if (process.send) process.send('ready');
