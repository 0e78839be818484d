// SPDX-License-Identifier: Apache-2.0
// What pmctl gives to node, bun or deno (-e) to learn what a configuration exports: "ok", a newline and JSON on descriptor 3, or
// "fault" and a map of what is known of the error. PMCTL_EVALUATE names the file and the words of pmctl's command line.
(async () => {
    const builtin = (name) => import('node:' + name).catch(() => import(name));
    const process = globalThis.process || (await builtin('process')).default;
    const fs = await builtin('fs');
    const { pathToFileURL } = await builtin('url');
    const { spawnSync } = await builtin('child_process');
    const { createRequire } = await builtin('module');
    const { file, words } = JSON.parse(process.env.PMCTL_EVALUATE);
    delete process.env.PMCTL_EVALUATE;
    try {
        process.argv.splice(1, process.argv.length, 'pmctl', ...words); // configurations look for --env there
    } catch {
        // deno keeps its own
    }
    const mostApps = 10000;
    const exit = process.exit;

    const send = (text) => {
        try {
            for (let rest = new TextEncoder().encode(text); rest.length > 0;) rest = rest.subarray(fs.writeSync(3, rest));
        } catch {
            fs.writeFileSync('/dev/fd/3', text); // where descriptors are numbered otherwise
        }
    };

    const load = async () => {
        try {
            const module = await import(pathToFileURL(file).href);
            return 'default' in module ? module.default : { ...module };
        } catch (error) {
            if (!/^(module|require|exports|__dirname) is not defined|is not defined in ES module/.test(error && error.message)) throw error;
            if (process.release && process.release.name === 'node' && !process.versions.bun && !process.versions.deno) throw error;
            return createRequire(pathToFileURL(file).href)(file);
        }
    };

    const unwrap = (value) => (value && value.__esModule && 'default' in value ? value.default : value);

    // Where the first value is that JSON has not.
    const odd = (value, path, above) => {
        if (typeof value === 'bigint') return `${path}: a BigInt`;
        if (typeof value !== 'object' || value === null) return '';
        if (above.includes(value)) return `${path}: refers to what it is part of`;
        for (const key of Object.keys(value)) {
            const step = Array.isArray(value) ? `[${key}]` : path ? `.${key}` : key;
            const found = odd(value[key], path + step, [...above, value]);
            if (found) return found;
        }
        return '';
    };

    const result = async () => {
        let value = unwrap(await load());
        if (typeof value === 'function') value = unwrap(await value());
        const empty = value === undefined || value === null || (typeof value === 'object' && Object.keys(value).length === 0);
        if (empty) throw { message: 'exports nothing: expected module.exports = { apps: [...] } (or export default)', plain: true };
        if (typeof value !== 'object')
            throw { message: `exports a ${typeof value}: expected module.exports = { apps: [...] } (or export default)`, plain: true };
        const apps = Array.isArray(value) ? value : value.apps || value.pm2;
        if (Array.isArray(apps) && apps.length > mostApps) throw { message: `apps: ${apps.length} apps, at most ${mostApps} are taken`, plain: true };
        try {
            return JSON.stringify(value, null, 1);
        } catch (error) {
            throw { message: `${odd(value, '', []) || error.message}, which JSON cannot tell`, plain: true };
        }
    };

    const describe = (error) => {
        const runtime = globalThis.Bun ? 'bun ' + process.versions.bun : globalThis.Deno ? 'deno ' + process.versions.deno : 'node ' + process.version;
        const flags = process.allowedNodeEnvironmentFlags;
        const strips = Boolean(flags && flags.has('--experimental-strip-types'));
        if (error && error.plain) return { message: error.message, runtime };
        if (!(error instanceof Error)) return { message: 'throws ' + String(error), runtime };
        let names = [file];
        try {
            names.push(fs.realpathSync(file));
        } catch {
            // its name is what there is
        }
        names = [...names, ...names.map((name) => pathToFileURL(name).href)];
        let place = '';
        for (const name of names) {
            const at = String(error.stack).indexOf(name + ':');
            const found = at < 0 ? null : /^(\d+)(:\d+)?/.exec(String(error.stack).slice(at + name.length + 1));
            if (found && !place) place = found[0];
        }
        if (!place && error.name === 'SyntaxError' && !globalThis.Bun && !globalThis.Deno) {
            // of an ES module the error itself does not tell
            const check = spawnSync(process.execPath, ['--check', file], { encoding: 'utf8' });
            const found = /:(\d+)\n/.exec(String(check.stderr));
            if (found) place = found[1];
        }
        const known = ['ERR_UNKNOWN_FILE_EXTENSION', 'ERR_MODULE_NOT_FOUND', 'MODULE_NOT_FOUND'];
        if (!place && !known.includes(error.code)) process.stderr.write(String(error.stack) + '\n');
        return { name: error.name, message: String(error.message).split('\n')[0], code: error.code, place, runtime, strips };
    };

    let text;
    try {
        text = 'ok\n' + (await result()) + '\n';
    } catch (error) {
        text = 'fault\n' + JSON.stringify(describe(error)) + '\n';
    }
    send(text);
    exit.call(process, 0);
})();
