module.exports = { name: 'single', script: 'bot.js', restart_delay: 3000, max_restarts: 10, min_uptime: '10s' };
