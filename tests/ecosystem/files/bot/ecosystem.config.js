// a Discord bot and its dashboard
module.exports = {
  apps: [
    { name: 'Discord Bot', script: './src/bot.js', node_args: ['--max-old-space-size=256'], exp_backoff_restart_delay: 100, ignore_watch: ['node_modules'], watch: false },
    { name: 'dashboard', script: './src/web.js', instances: 1, exec_mode: 'fork', max_memory_restart: 0, cron_restart: 0, env: { PORT: '8080' } },
  ],
};
