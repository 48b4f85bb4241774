// CometD's JavaScript client in Node, told by lines of standard input until its end; see cometd_lines.mjs.

import http from 'node:http';
import readline from 'node:readline';
import vm from 'node:vm';
import { adapt } from 'cometd-nodejs-client';
import { WebSocket } from 'ws';
import { open } from './cometd_lines.mjs';

let client;
let user;

adapt();
// As an app's own WebSocket does, not a page's.
window.WebSocket = class extends WebSocket {
    constructor(address, protocols) {
        super(address, protocols, { headers: { gms_user: user } });
    }
};
// What callback polling needs of a page: scripts that are loaded and run when they are put into its head.
window.document = {
    createElement: () => ({}),
    getElementsByTagName: () => [{ appendChild: load, removeChild: () => undefined }],
};
const page = vm.createContext(window);

function load(script) {
    const fail = () => script.onerror({ type: 'error' });
    http.get(script.src, response => {
        let text = '';
        response.on('data', chunk => text += chunk);
        response.on('end', () => response.statusCode === 200 ? vm.runInContext(text, page) : fail());
    }).on('error', fail);
}

const commands = readline.createInterface({ input: process.stdin });
commands.once('line', line => {
    const what = JSON.parse(line);
    user = what[2];
    client = open(what, told => console.log(JSON.stringify(told)));
    commands.on('line', client.take);
});
commands.on('close', () => client.close(() => process.exit(0)));
