module.exports = { apps: [{ name: 'folder', script: './dist' }, { name: 'here', script: '.', cwd: 'dist' }] };
