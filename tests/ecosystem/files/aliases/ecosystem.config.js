module.exports = {
  apps: [{ name: 'aliases', exec: 'a.js', script: 'a.js', interpreter: 'node', exec_interpreter: 'node', output: 'o.log', out_file: 'o.log', args: ['x'] }],
};
