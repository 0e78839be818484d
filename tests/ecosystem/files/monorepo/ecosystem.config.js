const packages = ['gateway', 'users', 'orders'];
module.exports = {
  apps: packages.map((name, index) => ({
    name: `@shop-${name}`,
    namespace: 'shop',
    cwd: `${__dirname}/packages/${name}`,
    script: 'src/index.js',
    env: { PORT: 4000 + index, SERVICE: name },
  })),
};
