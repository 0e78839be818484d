module.exports = { apps: [{ name: 'binary', script: './bin/serve', interpreter: 'none', args: ['serve', '--config', 'a b.toml'] }] };
