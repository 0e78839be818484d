module.exports = {
  apps: [{ name: 'objects', script: 'a.js', env: { SETTINGS: { deep: { list: [1, 'two', null] }, on: true }, HOSTS: ['a', 'b'], EMPTY: '' } }],
};
