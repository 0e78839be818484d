module.exports = {
  apps: [{
    name: 'api',
    script: 'dist/main.js',
    instances: 2,
    exec_mode: 'cluster',
    env: { NODE_ENV: 'development', LOG_LEVEL: 'debug' },
    env_production: { NODE_ENV: 'production', PORT: 8080 },
    env_staging: { NODE_ENV: 'staging' },
  }],
  deploy: {
    production: {
      user: 'node', host: ['10.0.0.1', '10.0.0.2'], ref: 'origin/master', repo: 'git@example.com:shop/api.git', path: '/var/www/api',
      'post-deploy': 'npm ci && pm2 reload ecosystem.config.js --env production',
      env: { REGION: 'eu', PORT: 9 },
    },
  },
};
