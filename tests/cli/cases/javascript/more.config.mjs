export default async () => ({ apps: [{ name: 'third', script: 'sleep', args: [1000] }, { name: 'fourth', script: 'sleep', args: '1000' }] });
