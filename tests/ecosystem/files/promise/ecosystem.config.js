const settings = () => new Promise((resolve) => setTimeout(() => resolve({ port: 5001 }), 5));
module.exports = (async () => {
  const { port } = await settings();
  return { apps: [{ name: 'awaited', script: 'index.js', env: { PORT: port } }] };
})();
