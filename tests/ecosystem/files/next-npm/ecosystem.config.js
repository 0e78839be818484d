const path = require('path')
module.exports = {
  apps: [{ name: 'shop', cwd: path.join(__dirname, 'frontend'), script: 'bin/npm-start.sh', args: 'run start -- --port 3002', interpreter: 'bash' }],
}
