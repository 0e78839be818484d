module.exports = { pm2: [{ name: 'keyed', script: 'a.js', env: { A: true, B: false, C: null, D: 1.5 } }] };
