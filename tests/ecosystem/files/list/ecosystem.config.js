module.exports = [{ name: 'first', script: 'a.js' }, { name: 'second', script: 'b.js', args: 'one "two three"' }];
