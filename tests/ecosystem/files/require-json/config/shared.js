module.exports = { kill_timeout: 5000, env: { SHARED: 'yes' } };
