module.exports = {
  apps: [
    { name: 'backend', script: './build/index.js', cwd: './packages/backend', args: '--color' },
    { name: 'worker', script: './packages/worker/index.js', args: ['--queue', 'mail'] },
  ],
};
