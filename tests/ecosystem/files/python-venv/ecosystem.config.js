module.exports = {
  apps: [{ name: 'venv', script: 'main.py', interpreter: './venv/bin/python', interpreter_args: '-u', cwd: `${__dirname}` }],
};
