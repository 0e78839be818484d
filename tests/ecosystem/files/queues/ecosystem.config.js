const queue = (name, instances) => ({ name: `queue:${name}`, script: './artisan.sh', args: `queue:work --queue=${name}`, interpreter: 'bash', instances, exec_mode: 'fork' });
module.exports = { apps: [queue('default', 2), queue('mail', 1)] };
