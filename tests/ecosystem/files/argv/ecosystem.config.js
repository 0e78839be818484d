// chooses by the command line itself
const at = process.argv.indexOf('--env');
const target = at < 0 ? 'development' : process.argv[at + 1];
module.exports = { apps: [{ name: 'chosen', script: 'index.js', env: { TARGET: target }, env_production: { EXTRA: 1 } }] };
