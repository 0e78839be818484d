module.exports = { apps: [{ name: 'line', script: 'sh ./run.sh --from line', env: { VIA: 'line' } }] };
