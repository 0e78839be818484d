// NestJS: a build in dist, arguments, logs beside it
module.exports = {
  apps: [
    {
      name: 'nest-api',
      cwd: __dirname,
      script: 'dist/main.js',
      args: ['--trace', 'requests and replies'],
      instances: '1',
      autorestart: true,
      watch: false,
      error_file: './logs/err.log',
      out_file: './logs/out.log',
      merge_logs: true,
      log_date_format: 'YYYY-MM-DD HH:mm:ss',
      env: { NODE_ENV: 'production', TZ: 'UTC' },
    },
  ],
};
