import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('.', import.meta.url));

export default {
  apps: [{ name: 'esm', cwd: root, script: 'server.mjs', env: { SOME: String(cpus().length > 0) } }],
};
