module.exports = async () => {
  const fs = require('fs/promises');
  const { version } = JSON.parse(await fs.readFile(`${__dirname}/package.json`, 'utf8'));
  return { apps: [{ name: 'versioned', script: 'index.js', env: { VERSION: version } }] };
};
