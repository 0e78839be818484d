module.exports = {
  apps: [
    { script: './api.js', append_env_to_name: true, env_staging: { STAGE: '1' } },
    { script: './src/mailer.js', namespace: 'jobs' },
  ],
};
