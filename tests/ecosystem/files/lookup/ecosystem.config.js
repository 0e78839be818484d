const env = process.env.DEPLOY_ENV || 'local';
const isProduction = env === 'production';
module.exports = {
  apps: [
    {
      name: `api-${env}`,
      script: 'server.js',
      instances: isProduction ? 'max' : 1,
      interpreter: process.env.NODE_BINARY || '',
      out_file: process.env.OUT_LOG || '',
      cwd: process.env.APP_ROOT || '',
      env: { DEPLOY_ENV: env, SECRET: process.env.SECRET_OF_NOBODY, FALLBACK: process.env.SECRET_OF_NOBODY || '' },
    },
  ],
};
