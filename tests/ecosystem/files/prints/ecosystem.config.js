console.log('loading the configuration of', process.env.NODE_ENV);
console.log('{"apps": []}');
module.exports = { apps: [{ name: 'prints', script: 'index.js' }] };
