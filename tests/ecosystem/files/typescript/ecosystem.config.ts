interface App { name: string; script: string; env: Record<string, string> }
const app: App = { name: 'typed', script: 'index.js', env: { TYPED: 'yes' } };
export default { apps: [app] };
