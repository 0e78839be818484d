module.exports = {
  apps: [
    { name: 'flask', script: 'app.py', interpreter: 'python3', args: '--port 5002', env: { FLASK_ENV: 'production', PYTHONPATH: '.' } },
    { name: 'by-ending', script: './worker.py', args: ['-q', 'default high'] },
  ],
};
