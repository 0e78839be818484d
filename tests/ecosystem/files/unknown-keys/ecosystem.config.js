module.exports = {
  apps: [{ name: 'odd', script: 'a.js', description: 'PM2 leaves this out', health: { path: '/' }, logs: './logs', env_file: '.env.of.nobody', restartable: true }],
  version: 2,
};
