export default {
  apps: [ { name: "a" script: 1 } ],
};
