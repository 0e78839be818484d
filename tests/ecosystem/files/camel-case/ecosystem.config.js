module.exports = {
  apps: [{ name: 'camel', script: 'a.js', execMode: 'fork', maxRestarts: 5, restartDelay: 100, killTimeout: 3000, outFile: '/dev/null', errorFile: 'NULL', mergeLogs: true }],
};
