module.exports = { apps: [{ name: 'max', script: 'server.js', instances: 'max', exec_mode: 'cluster' }] };
