// the package is of ES modules, so this file is .cjs
module.exports = { apps: [{ name: 'module', script: 'src/app.js', node_args: '--no-warnings' }] };
