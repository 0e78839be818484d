module.exports = {
  apps: [{ name: 'deployed', script: 'a.js', version: '1.2', kill_retry_time: 100, vizion: false, pmx: false, time: true, log_type: 'json', combine_logs: true }],
  deploy: { staging: { user: 'u', host: 'h', ref: 'r', repo: 'x', path: '/p', 'pre-deploy-local': '' } },
};
