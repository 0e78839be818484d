// Strapi's guide: a file of another name
module.exports = {
  apps: [
    {
      name: 'strapi',
      cwd: './cms',
      script: 'server.js',
      args: 'start',
      env: {
        DATABASE_HOST: 'db.internal', DATABASE_PORT: '5432', DATABASE_NAME: 'strapi', DATABASE_USERNAME: 'strapi',
        DATABASE_PASSWORD: 'with space & "quotes"', NODE_ENV: 'production',
      },
    },
  ],
};
