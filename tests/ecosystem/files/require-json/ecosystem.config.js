const { name } = require('./package.json');
const shared = require('./config/shared');
module.exports = { apps: [{ ...shared, name, script: 'index.js' }, { ...shared, name: `${name}-jobs`, script: 'jobs.js' }] };
