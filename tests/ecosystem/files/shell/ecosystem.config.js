module.exports = { apps: [{ name: 'tunnel', script: './tunnel.sh', args: '-N -L "8080:localhost:80"', autorestart: true, restart_delay: 1000 }] };
