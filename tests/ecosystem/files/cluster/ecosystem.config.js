module.exports = {
  apps: [{ name: 'cluster', script: 'server.js', instances: 3, exec_mode: 'cluster', instance_var: 'INSTANCE_ID', increment_var: 'PORT', env: { PORT: 6100 } }],
};
