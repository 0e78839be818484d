module.exports = () => ({
  apps: [{ name: 'made', script: 'index.js', env: { MADE_BY: 'a function' } }],
});
