const sleeper = (name) => ({ name, script: 'sleep', args: '1000', interpreter: 'none', env: { MODE: 'development' }, env_production: { MODE: 'production' } });
console.log('this goes to standard error');
module.exports = { apps: ['api', 'job'].map(sleeper), deploy: { production: {} } };
