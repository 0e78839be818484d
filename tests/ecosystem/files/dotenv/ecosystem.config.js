// reads .env by itself, as `dotenv` would
const fs = require('fs');
const env = Object.fromEntries(
  fs.readFileSync(`${__dirname}/.env`, 'utf8').split('\n').filter((line) => line.includes('=')).map((line) => line.split(/=(.*)/s).slice(0, 2)),
);
module.exports = { apps: [{ name: 'dotenv', script: 'index.js', env }] };
